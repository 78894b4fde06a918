-- One table for each kind of AWS resource, filled with what the account already has.
SELECT * FROM iasql_install('aws_ecs_fargate');

