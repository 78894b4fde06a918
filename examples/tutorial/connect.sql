-- The extension, the account, and who may use it. Real AWS needs no endpoint_url, and a profile instead of keys.
CREATE EXTENSION iasql;
CREATE SERVER aws FOREIGN DATA WRAPPER iasql OPTIONS (region '${region}', endpoint_url '${endpoint}');
CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test');

