//! The modules: what can be installed.

/// A module: a group of tables that are installed together.
#[derive(Debug, PartialEq, Eq)]
pub struct Module {
    /// The name.
    pub name: &'static str,
    /// The version.
    pub version: &'static str,
    /// The modules whose tables its own refer to.
    pub needs: &'static [&'static str],
    /// Its tables, each after those it refers to.
    pub tables: &'static [&'static str],
    /// The statements that create them, in `@schema@`, and after [`AFTER_IMPORT`] their foreign keys.
    ddl: &'static str,
}

/// The line before the statements that follow the import.
const AFTER_IMPORT: &str = "\n-- After the import\n";

impl Module {
    /// The statements that create the tables.
    pub fn before_import(&self) -> &'static str {
        self.ddl.split(AFTER_IMPORT).next().unwrap_or_default()
    }

    /// The statements that follow when the tables hold what the account has.
    pub fn after_import(&self) -> &'static str {
        self.ddl.split(AFTER_IMPORT).nth(1).unwrap_or_default()
    }
}

/// All modules, each after those it needs.
pub static MODULES: &[Module] = &[
    Module {
        name: "aws_cloudwatch",
        version: "0.0.1",
        needs: &[],
        tables: &["log_group"],
        ddl: include_str!("../sql/aws_cloudwatch.sql"),
    },
    Module {
        name: "aws_iam",
        version: "0.0.1",
        needs: &[],
        tables: &["role"],
        ddl: include_str!("../sql/aws_iam.sql"),
    },
    Module {
        name: "aws_ecr",
        version: "0.0.1",
        needs: &[],
        tables: &["public_repository", "repository", "repository_policy"],
        ddl: include_str!("../sql/aws_ecr.sql"),
    },
    Module {
        name: "aws_vpc",
        version: "0.0.1",
        needs: &[],
        tables: &["vpc", "subnet"],
        ddl: include_str!("../sql/aws_vpc.sql"),
    },
    Module {
        name: "aws_security_group",
        version: "0.0.1",
        needs: &["aws_vpc"],
        tables: &["security_group", "security_group_rule"],
        ddl: include_str!("../sql/aws_security_group.sql"),
    },
    Module {
        name: "aws_elb",
        version: "0.0.1",
        needs: &["aws_security_group", "aws_vpc"],
        tables: &[
            "load_balancer",
            "target_group",
            "listener",
            "load_balancer_security_groups",
        ],
        ddl: include_str!("../sql/aws_elb.sql"),
    },
    Module {
        name: "aws_ecs_fargate",
        version: "0.0.1",
        needs: &[
            "aws_ecr",
            "aws_elb",
            "aws_security_group",
            "aws_cloudwatch",
            "aws_vpc",
            "aws_iam",
        ],
        tables: &[
            "cluster",
            "task_definition",
            "container_definition",
            "service",
            "service_security_groups",
        ],
        ddl: include_str!("../sql/aws_ecs_fargate.sql"),
    },
];

/// The module of this name.
pub fn module(name: &str) -> Option<&'static Module> {
    MODULES.iter().find(|module| module.name == name)
}

/// The module that a table comes with.
pub fn of_table(table: &str) -> Option<&'static Module> {
    MODULES.iter().find(|module| module.tables.contains(&table))
}

/// The modules and all they need, in the order of [`MODULES`].
pub fn with_needed(modules: &[&'static Module]) -> Vec<&'static Module> {
    let mut wanted: Vec<&str> = modules.iter().map(|module| module.name).collect();
    let mut next = 0;
    while next < wanted.len() {
        let needs = module(wanted[next]).map_or(&[][..], |module| module.needs);
        for need in needs {
            if !wanted.contains(need) {
                wanted.push(need);
            }
        }
        next += 1;
    }
    MODULES
        .iter()
        .filter(|module| wanted.contains(&module.name))
        .collect()
}

/// The name that is most like a name that does not exist: one that begins with it, else one that is spelt alike.
pub fn nearest(name: &str) -> &'static str {
    let likeness = |module: &str| {
        let begins = f64::from(u8::from(module.starts_with(name)));
        begins + strsim::jaro_winkler(module, name)
    };
    MODULES
        .iter()
        .map(|module| module.name)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .unwrap_or_default()
}
