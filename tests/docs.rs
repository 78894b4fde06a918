//! What README and docs say is what happens: each of their commands is executed, each output compared.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use iasql_tests::document::execute;
use iasql_tests::{Cluster, Result};

/// Executes a document; says which blocks were skipped and fails where one is wrong.
fn holds(document: &str) -> Result {
    let report = execute(document)?;
    let mut summary = format!(
        "{document}: {} blocks checked, {} skipped\n",
        report.checked,
        report.skipped.len()
    );
    for skipped in &report.skipped {
        summary += &format!("  skipped {skipped}\n");
    }
    // Past the test runner, which keeps to itself what a test prints that goes well.
    let _ = io::stderr().write_all(summary.as_bytes());
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "\n\n{}\n", failures.join("\n\n"));
    Ok(())
}

macro_rules! documents {
    ($($test:ident: $document:literal,)*) => {
        const DOCUMENTS: &[&str] = &[$($document),*];
        $(
            #[test]
            fn $test() -> Result {
                holds($document)
            }
        )*
    };
}

documents! {
    the_readme_holds: "README.md",
    the_user_guide_holds: "docs/user-guide.md",
    contributing_holds: "CONTRIBUTING.md",
    architecture_holds: "docs/architecture.md",
    adding_a_table_holds: "docs/adding-a-table.md",
    performance_holds: "docs/performance.md",
    promises_hold: "docs/promises.md",
    the_changelog_holds: "CHANGELOG.md",
}

#[test]
fn the_decisions_hold() -> Result {
    for decision in markdown("docs/decisions").expect("there are decisions") {
        holds(&decision)?;
    }
    Ok(())
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The Markdown files in a folder of the repository.
fn markdown(folder: &str) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(repository().join(folder))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            found.push(Path::new(folder).join(name).to_string_lossy().into_owned());
        }
    }
    found.sort();
    Ok(found)
}

#[test]
fn no_document_is_left_out() -> io::Result<()> {
    let mut found = markdown("")?;
    found.extend(markdown("docs")?);
    let mut listed = DOCUMENTS.to_vec();
    listed.sort_unstable();
    assert_eq!(found, listed);
    Ok(())
}

/// The words of a document that are written as code.
fn code(document: &str) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(repository().join(document))?;
    let words = text.split('`').skip(1).step_by(2);
    Ok(words
        .map(|word| word.split('(').next().unwrap_or_default().to_owned())
        .collect())
}

#[test]
fn the_documents_name_every_function_table_and_setting() -> Result {
    let database = Cluster::shared()?.create_database()?;
    let mut session = database.connect()?;
    session.query("CREATE EXTENSION iasql")?;
    let readme = code("README.md").expect("the README can be read");
    let mut unnamed = session.query("SELECT name FROM iasql_help()")?.lines();
    unnamed.extend(
        session
            .query("SELECT module_name FROM iasql_modules_list()")?
            .lines(),
    );
    for script in fs::read_dir(repository().join("sql")).expect("there are modules") {
        let path = script.expect("a module").path();
        let ddl = fs::read_to_string(path).unwrap_or_default();
        let names = ddl
            .lines()
            .filter_map(|line| line.strip_prefix("CREATE TABLE @schema@."));
        unnamed.extend(names.map(|name| name.trim_end_matches(" (").to_owned()));
    }
    assert!(unnamed.len() > 30, "{unnamed:?}");
    unnamed.retain(|name| !readme.contains(name));
    assert_eq!(unnamed, [""; 0], "not in the README");
    let guide = code("docs/user-guide.md").expect("the user guide can be read");
    let mut settings = session
        .query("SELECT name FROM pg_settings WHERE name LIKE 'iasql.%' AND iasql_version() <> ''")?
        .lines();
    assert!(settings.len() > 5, "{settings:?}");
    settings.retain(|name| !guide.contains(name));
    assert_eq!(settings, [""; 0], "not in the user guide");
    Ok(())
}

#[test]
fn links_lead_somewhere() -> io::Result<()> {
    let mut broken = Vec::new();
    let mut documents = markdown("docs/decisions")?;
    documents.extend(DOCUMENTS.iter().map(|document| (*document).to_owned()));
    for document in &documents {
        let folder = repository()
            .join(document)
            .parent()
            .map(Path::to_owned)
            .unwrap_or_default();
        for (_, link) in links(document)? {
            let (file, section) = link.split_once('#').unwrap_or((&link, ""));
            if file.starts_with("http") {
                continue;
            }
            let target = match file {
                "" => repository().join(document),
                file => folder.join(file),
            };
            let titles = fs::read_to_string(&target).unwrap_or_default();
            let is_there = section.is_empty() || titles.lines().any(|line| anchor(line) == section);
            if !target.exists() || !is_there {
                broken.push(format!("{document}: {link}"));
            }
        }
    }
    assert_eq!(broken, [""; 0]);
    Ok(())
}

/// The links of a document: what they are called and where they lead.
fn links(document: &str) -> io::Result<Vec<(String, String)>> {
    let text = fs::read_to_string(repository().join(document))?;
    let ends = text.match_indices("](");
    Ok(ends
        .map(|(end, _)| {
            let name = text[..end].rsplit('[').next().unwrap_or_default();
            let target = text[end + 2..].split(')').next().unwrap_or_default();
            (name.to_owned(), target.to_owned())
        })
        .collect())
}

#[test]
fn promises_are_linked_to_tests_that_exist() -> io::Result<()> {
    let mut missing = Vec::new();
    let mut tests = 0;
    for (name, target) in links("docs/promises.md")? {
        let Some(test) = name
            .strip_prefix('`')
            .map(|name| name.trim_end_matches('`'))
        else {
            continue;
        };
        let file = fs::read_to_string(repository().join("docs").join(&target))?;
        tests += 1;
        if !file.contains(&format!("#[test]\nfn {test}()")) {
            missing.push(format!("{target}: {test}"));
        }
    }
    assert!(tests > 20, "only {tests} tests are named");
    assert_eq!(missing, [""; 0]);
    Ok(())
}

/// How a heading is linked to; empty for other lines.
fn anchor(line: &str) -> String {
    let Some(title) = line.strip_prefix('#') else {
        return String::new();
    };
    let kept = title.trim_start_matches('#').trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}
