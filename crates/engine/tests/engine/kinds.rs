//! The kinds of the tests: one of every trait that a kind can have, named after the AWS kinds that have them.

use iasql_engine::kind::{
    After, Catalog, Kind, PartOf, Repeat, Replace, Scope, boolean, cidr, int, parts, policy,
    refers_by_name, refers_to, set, tags, text,
};

/// Its name is its cloud id; NULL retention is a value.
pub static LOG_GROUP: Kind = Kind::regional(
    "log_group",
    &[
        text("log_group_name").key().cloud_id(),
        text("arn").cloud_filled(),
        int("retention"),
        tags(),
    ],
);

/// Global; a policy, a set, and a text that AWS chooses.
pub static ROLE: Kind = Kind::global(
    "role",
    &[
        text("role_name").key().cloud_id(),
        text("arn").cloud_filled(),
        policy("trust"),
        text("description").chosen_when_null(),
        set("attached"),
        text("path").create_only(),
    ],
);

/// No natural key; brings a `default` group along.
pub static VPC: Kind = Kind {
    repeat: Repeat::OwnerTag,
    ..Kind::regional(
        "vpc",
        &[
            text("vpc_id").cloud_filled().cloud_id(),
            cidr("cidr_block").create_only(),
            text("state").cloud_filled().volatile(),
            boolean("dns").chosen_when_null(),
            tags(),
        ],
    )
};

/// Its natural key holds a reference; two blocks of one VPC must not overlap.
pub static SUBNET: Kind = Kind::regional(
    "subnet",
    &[
        text("subnet_id").cloud_filled().cloud_id(),
        cidr("cidr_block").key().disjoint().create_only(),
        refers_to("vpc_id", "vpc").key().create_only(),
        text("zone").create_only().chosen_when_null(),
        boolean("public").chosen_when_null(),
        tags(),
    ],
);

/// Replaced under a new name only; brings an egress rule along.
pub static GROUP: Kind = Kind::regional(
    "security_group",
    &[
        text("group_id").cloud_filled().cloud_id(),
        text("group_name").key().create_only(),
        text("description").create_only(),
        refers_to("vpc_id", "vpc").key().create_only(),
        tags(),
    ],
);

/// Its natural key can change in place, and refers twice to the same table.
pub static RULE: Kind = Kind::regional(
    "security_group_rule",
    &[
        text("rule_id").cloud_filled().cloud_id(),
        refers_to("security_group_id", "security_group")
            .belongs()
            .key()
            .create_only(),
        boolean("is_egress").key().create_only(),
        int("port").key(),
        cidr("cidr").key(),
        refers_to("source_security_group_id", "security_group").key(),
        text("description"),
    ],
);

/// Create-only attributes besides its name.
pub static TARGET_GROUP: Kind = Kind::regional(
    "target_group",
    &[
        text("target_group_arn").cloud_filled().cloud_id(),
        text("target_group_name").key().create_only(),
        int("port").create_only(),
        int("interval").chosen_when_null(),
        refers_to("vpc", "vpc").create_only().chosen_when_null(),
    ],
);

/// Has parts, and mentions subnets by the ids that a user writes out.
pub static BALANCER: Kind = Kind::regional(
    "load_balancer",
    &[
        text("load_balancer_arn").cloud_filled().cloud_id(),
        text("load_balancer_name").key().create_only(),
        text("dns_name").cloud_filled(),
        text("scheme").create_only(),
        set("subnets").chosen_when_null().mentions("subnet"),
        parts("security_groups", &BALANCER_GROUPS).chosen_when_null(),
        tags(),
    ],
);

/// The security groups of a load balancer.
pub static BALANCER_GROUPS: Kind = Kind::part(
    "load_balancer_security_groups",
    Scope::Regional,
    PartOf {
        table: "load_balancer",
        column: "security_groups",
        on: &[("load_balancer_name", "load_balancer_name")],
    },
    &[refers_to("security_group_id", "security_group").key()],
);

/// References by name, one of them create-only.
pub static LISTENER: Kind = Kind {
    replace: Replace::DeleteFirst,
    ..Kind::regional(
        "listener",
        &[
            text("listener_arn").cloud_filled().cloud_id(),
            int("port").key(),
            refers_by_name("load_balancer_name", "load_balancer", "load_balancer_name")
                .key()
                .create_only(),
            refers_by_name("target_group_name", "target_group", "target_group_name"),
            text("ssl_policy").chosen_when_null(),
        ],
    )
};

/// Never changes: any edit registers the next revision. Neither name nor attributes identify one.
pub static TASK: Kind = Kind {
    repeat: Repeat::OwnerTag,
    ..Kind::regional(
        "task_definition",
        &[
            text("task_definition_arn").cloud_filled().cloud_id(),
            text("family").create_only(),
            int("revision").cloud_filled(),
            refers_by_name("role_name", "role", "role_name").create_only(),
            parts("containers", &CONTAINER).create_only(),
        ],
    )
};

/// The containers of a task definition.
pub static CONTAINER: Kind = Kind::part(
    "container_definition",
    Scope::Regional,
    PartOf {
        table: "task_definition",
        column: "containers",
        on: &[("task_definition_id", "id")],
    },
    &[
        text("name").key(),
        text("image"),
        int("cpu").chosen_when_null(),
        refers_by_name("log_group_name", "log_group", "log_group_name"),
    ],
);

/// Waits for the listener of its target group; has a button.
pub static SERVICE: Kind = Kind {
    after: &[After {
        table: "listener",
        mine: "target_group_name",
        theirs: "target_group_name",
    }],
    ..Kind::regional(
        "service",
        &[
            text("service_arn").cloud_filled().cloud_id(),
            text("name").key().create_only(),
            int("count"),
            boolean("redeploy").button(),
            set("subnets").mentions("subnet"),
            refers_by_name("target_group_name", "target_group", "target_group_name"),
            refers_to("task_definition_id", "task_definition"),
        ],
    )
};

/// All kinds that are no parts.
pub static WHOLES: [&Kind; 11] = [
    &LOG_GROUP,
    &ROLE,
    &VPC,
    &SUBNET,
    &GROUP,
    &RULE,
    &TARGET_GROUP,
    &BALANCER,
    &LISTENER,
    &TASK,
    &SERVICE,
];

/// All kinds, in their order.
pub fn catalog() -> Catalog {
    Catalog::new(WHOLES).expect("the kinds of the tests have an order")
}
