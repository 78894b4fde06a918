//! Folders of Flyway migrations, run by Flyway itself or by psql.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{repository, run};
use crate::{Database, Error, Output, Result};

/// A folder with a `flyway.conf` and the files in `migrations/`.
#[derive(Debug, Clone)]
pub struct Migrations {
    folder: PathBuf,
}

impl Migrations {
    /// The migrations in this folder.
    pub fn open(folder: &Path) -> Result<Self> {
        let folder = folder.canonicalize().map_err(Error::io(folder))?;
        Ok(Self { folder })
    }

    /// Writes these scripts, by file name, into a folder of their own, for a database that has tables already.
    pub fn write(folder: &Path, scripts: &[(&str, &str)]) -> Result<Self> {
        let put = |path: PathBuf, text: &str| fs::write(&path, text).map_err(Error::io(path));
        let files = folder.join("migrations");
        fs::create_dir_all(&files).map_err(Error::io(&files))?;
        put(
            folder.join("flyway.conf"),
            "flyway.locations=filesystem:migrations\nflyway.baselineOnMigrate=true\nflyway.baselineVersion=0\n",
        )?;
        for (name, script) in scripts {
            put(files.join(name), script)?;
        }
        Self::open(folder)
    }

    /// Runs `flyway migrate` as the stock command line does, told nothing but where the database is.
    pub fn run_by_flyway(&self, database: &Database<'_>) -> Result<Output> {
        let flyway = repository().join(".local/flyway/flyway");
        let flyway = flyway.canonicalize().map_err(Error::io(flyway))?;
        let (port, name) = (database.cluster().port(), database.name());
        run(Command::new(flyway)
            .current_dir(&self.folder)
            .arg(format!("-url=jdbc:postgresql://127.0.0.1:{port}/{name}"))
            .args([
                "-user=postgres",
                "-password=",
                "-skipCheckForUpdate",
                "migrate",
            ])
            .env("REDGATE_DISABLE_TELEMETRY", "true"))
    }

    /// Runs the same files by psql, in the order of their names, up to the first error.
    pub fn run_by_psql(&self, database: &Database<'_>) -> Result<Output> {
        database.psql(&self.scripts()?.concat())
    }

    /// What is in the files, in the order of their names, with the values of `flyway.conf` put in.
    pub fn scripts(&self) -> Result<Vec<String>> {
        let mut paths = fs::read_dir(self.folder.join("migrations"))
            .and_then(|entries| {
                entries
                    .map(|entry| Ok(entry?.path()))
                    .collect::<std::io::Result<Vec<_>>>()
            })
            .map_err(Error::io(self.folder.join("migrations")))?;
        paths.sort();
        paths
            .into_iter()
            .map(|path| {
                let script = fs::read_to_string(&path).map_err(Error::io(path))?;
                self.fill_placeholders(script)
            })
            .collect()
    }

    /// Puts in the values that `flyway.conf` has for `${name}`.
    fn fill_placeholders(&self, mut sql: String) -> Result<String> {
        let path = self.folder.join("flyway.conf");
        let settings = fs::read_to_string(&path).map_err(Error::io(path))?;
        let placeholders = settings
            .lines()
            .filter_map(|line| line.strip_prefix("flyway.placeholders.")?.split_once('='));
        for (name, value) in placeholders {
            sql = sql.replace(&format!("${{{name}}}"), value);
        }
        Ok(sql)
    }
}
