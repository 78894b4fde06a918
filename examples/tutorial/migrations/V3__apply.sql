-- In a migration of its own: if AWS refuses something, the rows stay, and only this is run again.
SELECT * FROM iasql_apply();

