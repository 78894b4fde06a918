-- A web service on Fargate behind a load balancer. So far these are rows; AWS hears of nothing.
BEGIN;

INSERT INTO security_group (group_name, description)
VALUES ('${project_name}-web', 'Lets the world reach ${project_name}');

INSERT INTO security_group_rule
    (security_group_id, is_egress, ip_protocol, from_port, to_port, cidr_ipv4, description)
SELECT id, false, 'tcp', ${port}, ${port}, '0.0.0.0/0'::cidr, 'requests' FROM security_group
WHERE group_name = '${project_name}-web'
UNION ALL
SELECT id, true, '-1', -1, -1, '0.0.0.0/0', 'anywhere' FROM security_group
WHERE group_name = '${project_name}-web';

INSERT INTO target_group (target_group_name, target_type, protocol, port, health_check_path)
VALUES ('${project_name}', 'ip', 'HTTP', ${port}, '/health');

INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type)
VALUES ('${project_name}', 'internet-facing', 'application', 'ipv4');

INSERT INTO load_balancer_security_groups (load_balancer_name, security_group_id)
SELECT '${project_name}', id FROM security_group WHERE group_name = '${project_name}-web';

INSERT INTO listener (load_balancer_name, port, protocol, target_group_name)
VALUES ('${project_name}', ${port}, 'HTTP', '${project_name}');

INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('${project_name}', 30);
INSERT INTO repository (repository_name) VALUES ('${project_name}');
INSERT INTO cluster (cluster_name) VALUES ('${project_name}');

INSERT INTO role (role_name, assume_role_policy_document, attached_policies_arns)
VALUES (
    '${project_name}-task',
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
      "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}',
    ARRAY['arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy']
);

WITH task AS (
    INSERT INTO task_definition (family, task_role_name, execution_role_name, cpu_memory)
    VALUES ('${project_name}', '${project_name}-task', '${project_name}-task', 'vCPU0.5-1GB')
    RETURNING id
), container AS (
    INSERT INTO container_definition
        (task_definition_id, name, essential, repository_name, tag, container_port, host_port, protocol, log_group_name)
    SELECT id, 'web', true, '${project_name}', 'latest', ${port}, ${port}, 'tcp', '${project_name}' FROM task
)
INSERT INTO service
    (name, cluster_name, task_definition_id, target_group_name, desired_count, assign_public_ip, subnets)
SELECT '${project_name}', '${project_name}', task.id, '${project_name}', 1, 'ENABLED',
    ARRAY(SELECT subnet_id FROM subnet JOIN vpc ON vpc.id = subnet.vpc_id WHERE is_default LIMIT 3)
FROM task;

INSERT INTO service_security_groups (service_name, security_group_id)
SELECT '${project_name}', id FROM security_group WHERE group_name = '${project_name}-web';

COMMIT;

