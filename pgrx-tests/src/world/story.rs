//! What the matrices live through: the tutorial's objects, those of the kinds that it lacks, and an edit of each table.

use std::path::Path;

use crate::{Migrations, Result};

/// The rows of the tutorial in `examples`, and of the kinds that it has none of: its own VPC with a subnet and a group,
/// a rule between groups, and a repository policy. (The emulator has no public repositories.)
pub(super) fn create() -> Result<String> {
    let tutorial = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/tutorial");
    let scripts = Migrations::open(&tutorial)?.scripts()?;
    // The first installs, the last applies.
    Ok(format!("{}{MORE}", scripts[1..scripts.len() - 1].concat()))
}

const MORE: &str = "
BEGIN;
INSERT INTO vpc (cidr_block, enable_dns_hostnames, tags) VALUES ('10.9.0.0/16', true, '{\"Name\": \"own\"}');
INSERT INTO subnet (vpc_id, cidr_block, availability_zone, map_public_ip_on_launch)
SELECT id, '10.9.1.0/24', 'us-east-2a', true FROM vpc WHERE cidr_block = '10.9.0.0/16';
INSERT INTO security_group (group_name, description, vpc_id)
SELECT 'inside', 'In a VPC of our own', id FROM vpc WHERE cidr_block = '10.9.0.0/16';
INSERT INTO security_group_rule (security_group_id, is_egress, ip_protocol, from_port, to_port, source_security_group_id)
SELECT id, false, 'tcp', 5432, 5432, id FROM security_group WHERE group_name = 'inside';
INSERT INTO repository_policy (repository_name, policy_text)
VALUES ('quickstart', '{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"pull\", \"Effect\": \"Allow\",
        \"Principal\": \"*\", \"Action\": \"ecr:BatchGetImage\"}]}');
COMMIT;
";

/// An edit of a table and the edit that undoes it.
#[derive(Debug)]
pub struct Update {
    /// The table, and what is done to it.
    pub name: &'static str,
    pub(super) forth: &'static str,
    pub(super) back: &'static str,
}

/// An update of each updatable table that the emulator knows, and the replacements that keep dependants working.
pub const UPDATES: &[Update] = &[
    Update {
        name: "role",
        forth: "UPDATE role SET description = 'second', max_session_duration = 7200, tags = '{\"step\": \"2\"}',
                attached_policies_arns = ARRAY['arn:aws:iam::aws:policy/ReadOnlyAccess'],
                assume_role_policy_document = jsonb_set(assume_role_policy_document, '{Statement,0,Sid}', '\"tasks\"')
                WHERE role_name = 'quickstart-task'",
        back: "UPDATE role SET description = '', max_session_duration = 3600, tags = '{}',
               attached_policies_arns = ARRAY['arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy'],
               assume_role_policy_document = assume_role_policy_document #- '{Statement,0,Sid}'
               WHERE role_name = 'quickstart-task'",
    },
    Update {
        name: "log_group",
        forth: "UPDATE log_group SET retention_in_days = NULL, tags = '{\"step\": \"2\"}'",
        back: "UPDATE log_group SET retention_in_days = 30, tags = '{}'",
    },
    Update {
        name: "repository",
        forth: "UPDATE repository SET image_tag_mutability = 'IMMUTABLE', scan_on_push = true,
                tags = '{\"step\": \"2\"}'",
        back: "UPDATE repository SET image_tag_mutability = 'MUTABLE', scan_on_push = false, tags = '{}'",
    },
    Update {
        name: "repository_policy",
        forth: "UPDATE repository_policy SET policy_text = replace(policy_text, 'BatchGetImage', 'ListImages')",
        back: "UPDATE repository_policy SET policy_text = replace(policy_text, 'ListImages', 'BatchGetImage')",
    },
    Update {
        name: "vpc",
        forth: "UPDATE vpc SET enable_dns_hostnames = false, tags = '{\"Name\": \"own\", \"step\": \"2\"}'
                WHERE NOT is_default",
        back: "UPDATE vpc SET enable_dns_hostnames = true, tags = '{\"Name\": \"own\"}' WHERE NOT is_default",
    },
    Update {
        name: "subnet",
        forth: "UPDATE subnet SET map_public_ip_on_launch = false, tags = '{\"step\": \"2\"}'
                WHERE cidr_block = '10.9.1.0/24'",
        back: "UPDATE subnet SET map_public_ip_on_launch = true, tags = '{}' WHERE cidr_block = '10.9.1.0/24'",
    },
    Update {
        name: "security_group",
        forth: "UPDATE security_group SET tags = '{\"step\": \"2\"}' WHERE group_name = 'inside'",
        back: "UPDATE security_group SET tags = '{}' WHERE group_name = 'inside'",
    },
    Update {
        name: "security_group_rule",
        forth: "UPDATE security_group_rule SET from_port = 8089, to_port = 8090, description = 'more',
                tags = '{\"step\": \"2\"}' WHERE from_port = 8088",
        back: "UPDATE security_group_rule SET from_port = 8088, to_port = 8088, description = 'requests', tags = '{}'
               WHERE from_port = 8089",
    },
    Update {
        name: "target_group",
        forth: "UPDATE target_group SET health_check_path = '/up', healthy_threshold_count = 3,
                tags = '{\"step\": \"2\"}'",
        back: "UPDATE target_group SET health_check_path = '/health', healthy_threshold_count = 5, tags = '{}'",
    },
    Update {
        name: "load_balancer",
        forth: "UPDATE load_balancer SET subnets = subnets[1:2], tags = '{\"step\": \"2\"}'",
        back: "UPDATE load_balancer SET tags = '{}', subnets =
               ARRAY(SELECT subnet_id FROM subnet JOIN vpc ON vpc.id = subnet.vpc_id WHERE is_default)",
    },
    Update {
        name: "listener",
        forth: "UPDATE listener SET port = 8090, tags = '{\"step\": \"2\"}'",
        back: "UPDATE listener SET port = 8088, tags = '{}'",
    },
    Update {
        name: "cluster",
        forth: "UPDATE cluster SET tags = '{\"step\": \"2\"}'",
        back: "UPDATE cluster SET tags = '{}'",
    },
    Update {
        name: "service",
        forth: "UPDATE service SET desired_count = 2, force_new_deployment = true, tags = '{\"step\": \"2\"}'",
        back: "UPDATE service SET desired_count = 1, tags = '{}'",
    },
    Update {
        name: "task_definition (replace)",
        forth: "UPDATE task_definition SET cpu_memory = 'vCPU1-2GB'",
        back: "UPDATE task_definition SET cpu_memory = 'vCPU0.5-1GB'",
    },
    Update {
        name: "security_group (replace)",
        forth: "UPDATE security_group SET group_name = 'quickstart-renamed' WHERE group_name = 'quickstart-web'",
        back: "UPDATE security_group SET group_name = 'quickstart-web' WHERE group_name = 'quickstart-renamed'",
    },
    Update {
        name: "log_group (replace)",
        forth: "UPDATE log_group SET log_group_name = 'quickstart-renamed'",
        back: "UPDATE log_group SET log_group_name = 'quickstart'",
    },
];
