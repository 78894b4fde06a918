-- Enum types of the module tables. The labels are AWS's own words.
-- A type of a settable column lists what a row may ask for; a type of a column that AWS fills lists all that AWS answers.

CREATE TYPE iasql.image_tag_mutability AS ENUM ('IMMUTABLE', 'MUTABLE');
COMMENT ON TYPE iasql.image_tag_mutability IS 'Whether an image tag of a repository may be moved to another image.';

CREATE TYPE iasql.vpc_state AS ENUM ('available', 'deleting', 'pending');
COMMENT ON TYPE iasql.vpc_state IS 'State of a VPC, as AWS reports it.';

CREATE TYPE iasql.subnet_state AS ENUM ('available', 'failed', 'failed-insufficient-capacity', 'pending', 'unavailable');
COMMENT ON TYPE iasql.subnet_state IS 'State of a subnet, as AWS reports it.';

CREATE TYPE iasql.elb_protocol AS ENUM ('GENEVE', 'HTTP', 'HTTPS', 'TCP', 'TCP_UDP', 'TLS', 'UDP');
COMMENT ON TYPE iasql.elb_protocol IS 'Protocol of a listener, of a target group and of its health checks.';

CREATE TYPE iasql.protocol_version AS ENUM ('GRPC', 'HTTP1', 'HTTP2');
COMMENT ON TYPE iasql.protocol_version IS 'Version of HTTP that is spoken to the targets of a target group.';

CREATE TYPE iasql.target_type AS ENUM ('alb', 'instance', 'ip', 'lambda');
COMMENT ON TYPE iasql.target_type IS 'What the targets of a target group are.';

CREATE TYPE iasql.target_ip_address_type AS ENUM ('ipv4', 'ipv6');
COMMENT ON TYPE iasql.target_ip_address_type IS 'IP version of the targets of a target group.';

CREATE TYPE iasql.load_balancer_type AS ENUM ('application', 'gateway', 'network');
COMMENT ON TYPE iasql.load_balancer_type IS 'Kind of a load balancer.';

CREATE TYPE iasql.load_balancer_scheme AS ENUM ('internal', 'internet-facing');
COMMENT ON TYPE iasql.load_balancer_scheme IS 'Whether the nodes of a load balancer have public addresses.';

CREATE TYPE iasql.load_balancer_state AS ENUM ('active', 'active_impaired', 'failed', 'provisioning');
COMMENT ON TYPE iasql.load_balancer_state IS 'State of a load balancer, as AWS reports it.';

CREATE TYPE iasql.load_balancer_ip_address_type AS ENUM ('dualstack', 'ipv4');
COMMENT ON TYPE iasql.load_balancer_ip_address_type IS 'IP versions that the clients of a load balancer may use.';

CREATE TYPE iasql.listener_action_type AS ENUM ('forward');
COMMENT ON TYPE iasql.listener_action_type IS 'What a listener does with a request.';

CREATE TYPE iasql.task_definition_status AS ENUM ('ACTIVE', 'INACTIVE');
COMMENT ON TYPE iasql.task_definition_status IS 'Status of a task definition revision, as AWS reports it.';

CREATE TYPE iasql.cpu_memory AS ENUM (
    'vCPU0.25-0.5GB', 'vCPU0.25-1GB', 'vCPU0.25-2GB',
    'vCPU0.5-1GB', 'vCPU0.5-2GB', 'vCPU0.5-3GB', 'vCPU0.5-4GB',
    'vCPU1-2GB', 'vCPU1-3GB', 'vCPU1-4GB', 'vCPU1-5GB', 'vCPU1-6GB', 'vCPU1-7GB', 'vCPU1-8GB',
    'vCPU2-4GB', 'vCPU2-5GB', 'vCPU2-6GB', 'vCPU2-7GB', 'vCPU2-8GB', 'vCPU2-9GB', 'vCPU2-10GB',
    'vCPU2-11GB', 'vCPU2-12GB', 'vCPU2-13GB', 'vCPU2-14GB', 'vCPU2-15GB', 'vCPU2-16GB',
    'vCPU4-8GB', 'vCPU4-9GB', 'vCPU4-10GB', 'vCPU4-11GB', 'vCPU4-12GB', 'vCPU4-13GB', 'vCPU4-14GB',
    'vCPU4-15GB', 'vCPU4-16GB', 'vCPU4-17GB', 'vCPU4-18GB', 'vCPU4-19GB', 'vCPU4-20GB', 'vCPU4-21GB',
    'vCPU4-22GB', 'vCPU4-23GB', 'vCPU4-24GB', 'vCPU4-25GB', 'vCPU4-26GB', 'vCPU4-27GB', 'vCPU4-28GB',
    'vCPU4-29GB', 'vCPU4-30GB'
);
COMMENT ON TYPE iasql.cpu_memory IS 'Size of a Fargate task: the pairs of vCPUs and memory that Fargate offers.';

CREATE TYPE iasql.transport_protocol AS ENUM ('tcp', 'udp');
COMMENT ON TYPE iasql.transport_protocol IS 'Protocol of a container port.';

CREATE TYPE iasql.assign_public_ip AS ENUM ('DISABLED', 'ENABLED');
COMMENT ON TYPE iasql.assign_public_ip IS 'Whether the tasks of a service get public addresses.';
