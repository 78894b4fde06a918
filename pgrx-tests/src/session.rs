//! One connection to a database.

use std::sync::{Arc, Mutex, PoisonError};

use postgres::{CancelToken, Client, NoTls, SimpleQueryMessage};

use crate::{Error, Result, Rows, ServerMessage};

/// A session, which keeps the notices and warnings it was sent.
pub struct Session {
    client: Client,
    notices: Arc<Mutex<Vec<ServerMessage>>>,
}

impl Session {
    pub(crate) fn open(mut config: postgres::Config) -> Result<Self> {
        let notices = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&notices);
        config.notice_callback(move |notice| {
            sink.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(ServerMessage::from(&notice));
        });
        Ok(Self {
            client: config.connect(NoTls)?,
            notices,
        })
    }

    /// Runs one statement or several and returns the rows of the last that has rows. Values come as text, so that
    /// tests read as what a user sees, whatever the type.
    pub fn query(&mut self, sql: &str) -> Result<Rows> {
        let mut rows = Rows::default();
        for message in self.run(sql)? {
            match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    rows.columns = columns
                        .iter()
                        .map(|column| column.name().to_owned())
                        .collect();
                    rows.rows.clear();
                }
                SimpleQueryMessage::Row(row) => {
                    rows.rows.push(
                        (0..row.len())
                            .map(|index| row.get(index).map(str::to_owned))
                            .collect(),
                    );
                }
                _ => {}
            }
        }
        Ok(rows)
    }

    /// Runs one statement or several and returns how many rows the last of them touched.
    pub fn execute(&mut self, sql: &str) -> Result<u64> {
        let messages = self.run(sql)?;
        let completed = messages.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::CommandComplete(count) => Some(*count),
            _ => None,
        });
        Ok(completed.unwrap_or_default())
    }

    /// Installs modules.
    pub fn install(&mut self, modules: &[&str]) -> Result<Rows> {
        let names: Vec<String> = modules.iter().map(|name| format!("'{name}'")).collect();
        self.query(&format!(
            "SELECT * FROM iasql_install({})",
            names.join(", ")
        ))
    }

    /// Runs a statement that must fail and returns how.
    pub fn refusal(&mut self, sql: &str) -> Result<ServerMessage> {
        match self.run(sql) {
            Err(Error::Sql(message)) => Ok(*message),
            Err(other) => Err(other),
            Ok(_) => Err(Error::NotRefused {
                statement: sql.to_owned(),
            }),
        }
    }

    /// The driver hands on an error before the server has rolled back; this does so after.
    fn run(&mut self, sql: &str) -> Result<Vec<SimpleQueryMessage>> {
        let answer = self.client.simple_query(sql);
        if answer.is_err() {
            // Fails where the error has ended the session, which waits for nothing.
            let _ = self.client.simple_query("");
        }
        Ok(answer?)
    }

    /// The notices, warnings and other messages since the last call.
    pub fn take_notices(&mut self) -> Vec<ServerMessage> {
        std::mem::take(&mut *self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Cancels what this session runs, from another thread.
    pub fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }

    /// The process id of the backend.
    pub fn backend_pid(&mut self) -> Result<u32> {
        let rows = self.query("SELECT pg_backend_pid()")?;
        let text = rows.scalar().unwrap_or_default();
        text.parse().map_err(|_| Error::Malformed {
            what: "a process id",
            text: text.to_owned(),
        })
    }

    /// The driver itself, for what only its typed protocol shows.
    pub fn driver(&mut self) -> &mut Client {
        &mut self.client
    }
}
