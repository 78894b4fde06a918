//! What users can name is there, is described, and says the same wherever it is said twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use iasql_tests::{Error, Fixture, Result, Rows, Session};

fn installed() -> Result<(Fixture, Session)> {
    let fixture = Fixture::with(&["aws_ecs_fargate"])?;
    let session = fixture.session()?;
    Ok((fixture, session))
}

/// Asserts that a query finds nothing that is wrong.
fn assert_none(session: &mut Session, what: &str, sql: &str) -> Result {
    let rows: Rows = session.query(sql)?;
    assert!(rows.is_empty(), "{what}:\n{rows}");
    Ok(())
}

#[test]
fn every_published_function_has_its_published_signature() -> Result {
    let mut session = Fixture::new()?.session()?;
    let plan = "TABLE(action text, table_name text, id integer, description text)";
    let modules = "TABLE(module_name text, module_version text, dependencies text[])";
    for (call, returns) in [
        (
            "iasql_install(VARIADIC modules text[])",
            "TABLE(module_name text, created_table_name text, record_count integer)",
        ),
        (
            "iasql_uninstall(VARIADIC modules text[])",
            "TABLE(module_name text, dropped_table_name text, record_count integer)",
        ),
        ("iasql_plan_apply()", plan),
        ("iasql_preview_apply()", plan),
        ("iasql_apply()", plan),
        ("iasql_plan_sync()", plan),
        ("iasql_preview_sync()", plan),
        ("iasql_sync()", plan),
        ("delete_all_records()", "void"),
        ("iasql_modules_list()", modules),
        ("iasql_modules_installed()", modules),
        (
            "iasql_help()",
            "TABLE(name text, signature text, description text, sample_usage text)",
        ),
    ] {
        let found = session.query(&format!(
            "SELECT 1 FROM iasql_help() WHERE signature = '{call} RETURNS {returns}'"
        ))?;
        assert_eq!(found.len(), 1, "{call} RETURNS {returns}");
    }
    let version = session
        .query("SELECT iasql_version() = extversion FROM pg_extension WHERE extname = 'iasql'")?;
    assert_eq!(version.lines(), ["t"]);
    Ok(())
}

#[test]
fn help_describes_every_public_function_with_a_sample_that_names_it() -> Result {
    let mut session = Fixture::new()?.session()?;
    assert_none(
        &mut session,
        "functions without a row in iasql_help()",
        "SELECT p.proname FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
         JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'iasql'
         WHERE d.deptype = 'e' AND p.pronamespace <> 'iasql'::regnamespace
           AND p.proname NOT IN (SELECT name FROM iasql_help())",
    )?;
    assert_none(
        &mut session,
        "rows that do not help",
        "SELECT * FROM iasql_help() WHERE coalesce(description, '') = '' OR position(name IN coalesce(sample_usage, '')) = 0",
    )
}

#[test]
fn the_library_and_the_declared_functions_are_the_same() -> Result {
    let mut session = Fixture::new()?.session()?;
    let declared = session
        .query("SELECT DISTINCT prosrc FROM pg_proc WHERE probin LIKE '%iasql%' ORDER BY 1")?;
    let declared: BTreeSet<String> = declared.lines().into_iter().collect();
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/libiasql.so");
    let symbols = Command::new("nm")
        .args(["-D", "--defined-only"])
        .arg(&library)
        .output();
    let symbols = symbols.map_err(|source| Error::Io {
        path: library,
        source,
    })?;
    let exported: BTreeSet<String> = String::from_utf8_lossy(&symbols.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .filter(|name| name.ends_with("_wrapper") && !name.starts_with("pg_finfo_"))
        .map(str::to_owned)
        .collect();
    assert!(!exported.is_empty());
    assert_eq!(declared, exported);
    Ok(())
}

#[test]
fn every_object_has_a_comment() -> Result {
    let (_fixture, mut session) = installed()?;
    let ours = "SELECT relation AS oid FROM iasql.installed_table
                UNION SELECT oid FROM pg_class WHERE relnamespace = 'iasql'::regnamespace AND relkind IN ('r', 'v')";
    assert_none(
        &mut session,
        "tables and columns without a comment",
        &format!(
            "SELECT t.oid::regclass, a.attname FROM ({ours}) t JOIN pg_attribute a ON a.attrelid = t.oid
             WHERE NOT a.attisdropped AND a.attnum >= 0 AND col_description(t.oid, a.attnum) IS NULL
             UNION SELECT t.oid::regclass, NULL FROM ({ours}) t WHERE obj_description(t.oid, 'pg_class') IS NULL"
        ),
    )?;
    assert_none(
        &mut session,
        "types and functions without a comment",
        "SELECT t.typname FROM pg_type t WHERE t.typnamespace = 'iasql'::regnamespace AND t.typtype = 'e'
            AND obj_description(t.oid, 'pg_type') IS NULL
         UNION SELECT p.proname FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
            JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'iasql'
            WHERE d.deptype = 'e' AND obj_description(p.oid, 'pg_proc') IS NULL",
    )
}

/// The columns of the installed tables, and what the kinds say of them.
const COLUMNS: &str = "
    SELECT t.table_name, t.relation, a.attname AS column_name, a.attnum, a.attnotnull, a.atthasdef, a.atttypid
    FROM iasql.installed_table t JOIN pg_attribute a ON a.attrelid = t.relation
    WHERE a.attnum > 0 AND NOT a.attisdropped";

#[test]
fn tables_and_kinds_have_the_same_columns() -> Result {
    let (_fixture, mut session) = installed()?;
    assert_eq!(
        session
            .query("SELECT count(*) FROM iasql.installed_table")?
            .lines(),
        ["18"]
    );
    assert_none(
        &mut session,
        "columns that only one of both has",
        &format!(
            "SELECT table_name, column_name, c.attnum IS NULL AS only_in_kinds
             FROM ({COLUMNS}) c FULL JOIN iasql.kinds() k USING (table_name, column_name)
             WHERE (c.attnum IS NULL OR k.change IS NULL)
               -- What a row has besides: its id, its region, its protection.
               AND NOT (c.attnum IS NOT NULL AND column_name IN ('id', 'row_id', 'region', 'protected'))"
        ),
    )
}

#[test]
fn references_are_foreign_keys_and_what_belongs_goes_with_its_whole() -> Result {
    let (_fixture, mut session) = installed()?;
    // The first column of a composite key; the others are those that tie a part, and the region.
    let keys = format!(
        "SELECT c.table_name, c.column_name, other.table_name AS refers_to_table, theirs.attname AS refers_to_column,
                f.confdeltype = 'c' AS belongs
         FROM ({COLUMNS}) c
         JOIN pg_constraint f ON f.conrelid = c.relation AND f.contype = 'f' AND c.attnum = ANY (f.conkey)
         JOIN iasql.installed_table other ON other.relation = f.confrelid
         JOIN pg_attribute theirs ON theirs.attrelid = f.confrelid
              AND theirs.attnum = f.confkey[array_position(f.conkey, c.attnum)]
         WHERE c.column_name <> 'region'"
    );
    assert_none(
        &mut session,
        "references and foreign keys that differ",
        &format!(
            "SELECT * FROM ({keys}) f FULL JOIN (SELECT * FROM iasql.kinds() WHERE refers_to_table IS NOT NULL) k
                 USING (table_name, column_name, refers_to_table, refers_to_column)
             WHERE f.belongs IS NULL OR k.change IS NULL
                -- A join table's row goes with either of the two that it joins.
                OR f.belongs <> k.belongs AND table_name NOT LIKE '%\\_security\\_groups'"
        ),
    )
}

#[test]
fn not_null_columns_can_be_inserted_and_filled_ones_may_be_left_out() -> Result {
    let (_fixture, mut session) = installed()?;
    assert_none(
        &mut session,
        "columns that must be given although AWS fills or chooses them",
        &format!(
            "SELECT table_name, column_name, change, when_null FROM ({COLUMNS}) c
             JOIN iasql.kinds() k USING (table_name, column_name)
             WHERE c.attnotnull AND NOT c.atthasdef AND (k.change IN ('filled', 'button') OR k.when_null = 'chosen')"
        ),
    )
}

#[test]
fn enum_types_and_kinds_have_the_same_values() -> Result {
    let (_fixture, mut session) = installed()?;
    // A type of a column that AWS fills also lists what is answered for objects that no row stands for.
    assert_none(
        &mut session,
        "values that differ",
        &format!(
            "SELECT table_name, column_name, change, allowed_values, labels
             FROM ({COLUMNS}) c JOIN iasql.kinds() k USING (table_name, column_name)
             LEFT JOIN LATERAL (SELECT array_agg(enumlabel::text) AS labels FROM pg_enum WHERE enumtypid = c.atttypid) e ON true
             WHERE (labels IS NOT NULL OR allowed_values <> '{{}}')
               AND NOT coalesce(allowed_values <@ labels AND (change = 'filled' OR labels <@ allowed_values), false)"
        ),
    )
}
