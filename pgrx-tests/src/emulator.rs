//! The local AWS emulator.

use std::fs;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::cluster::free_port;
use crate::leash::Leash;
use crate::process::{repository, tail, wait_for};
use crate::staged::Staged;
use crate::{Cloud, Error, Result};

/// Emulators that run and that no test uses. They stay for the next test: to start one takes seconds.
static IDLE: Mutex<Vec<Instance>> = Mutex::new(Vec::new());

/// An emulated AWS account that is this test's alone. Dropping it hands the emulator on to the next test.
#[derive(Debug)]
pub struct Emulator {
    instance: Option<Instance>,
    endpoint: String,
}

#[derive(Debug)]
struct Instance {
    endpoint: String,
    _leash: Leash,
}

impl Emulator {
    /// Takes an emulator with a fresh account in it.
    pub fn take() -> Result<Self> {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let instance = match idle {
            Some(instance) => instance,
            None => Instance::start()?,
        };
        let emulator = Self {
            endpoint: instance.endpoint.clone(),
            instance: Some(instance),
        };
        emulator.reset()?;
        Ok(emulator)
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Makes the account as fresh as at the start.
    pub fn reset(&self) -> Result {
        let url = format!("{}/moto-api/reset", self.endpoint);
        let reset = ureq::post(&url).send_empty();
        reset.map(drop).map_err(|source| Error::Http {
            operation: "reset".to_owned(),
            source: Box::new(source),
        })
    }

    /// The account, seen from this region.
    pub fn cloud(&self, region: &str) -> Cloud {
        Cloud::new(&self.endpoint, region)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        IDLE.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(self.instance.take());
    }
}

impl Instance {
    fn start() -> Result<Self> {
        let folder = Staged::prepare()?
            .base
            .join("emulators")
            .join(Staged::unique_name());
        fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let log = folder.join("log");
        let port = free_port()?;
        let mut moto = Command::new(repository().join(".local/venv/bin/moto_server"));
        moto.args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", &folder)
            .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true");
        let mut leash = Leash::start(&moto, "TERM", &folder, &log)?;
        let endpoint = format!("http://127.0.0.1:{port}");
        wait_for("the emulator to answer", Duration::from_secs(60), || {
            if leash.ended()?.is_some() {
                return Err(Error::NotStarted {
                    server: "moto_server",
                    log: tail(&log),
                });
            }
            Ok(ureq::get(format!("{endpoint}/moto-api/")).call().ok())
        })?;
        Ok(Self {
            endpoint,
            _leash: leash,
        })
    }
}
