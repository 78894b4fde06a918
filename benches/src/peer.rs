//! The peers: what does the same by other means, on the same endpoint.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::result::{Finding, Goal, Sample};

/// A peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// boto3, one call after the other.
    Sequential,
    /// boto3, a pool of threads.
    Threaded,
}

impl Peer {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Sequential, Self::Threaded];

    fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Threaded => "threaded",
        }
    }
}

/// Lets a peer do a task, and returns how many seconds it took without its start.
pub fn run(peer: Peer, task: &str, endpoint: &str) -> Result<f64> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = repository.join(".local/venv/bin/python");
    let output = Command::new(&python)
        .arg(repository.join("benches/peers/boto.py"))
        .args([peer.name(), task, endpoint])
        .output()
        .map_err(Error::io(&python))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    printed.trim().parse().map_err(|_| Error::Peer {
        name: format!("boto3 {} {task}", peer.name()),
        output: format!(
            "{}: {printed}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ),
    })
}

/// Lets Ansible's collections do the tutorial, and returns how many seconds a user waits for it. Its start is part of that:
/// Ansible starts Python anew for each task.
pub fn ansible(endpoint: &str) -> Result<f64> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let programs = repository.join(".local/ansible/bin");
    let python = programs.join("python");
    let playbook = programs.join("ansible-playbook");
    let start = Instant::now();
    let output = Command::new(&playbook)
        .arg(repository.join("benches/peers/tutorial.yml"))
        .arg("--extra-vars")
        .arg(format!(
            "endpoint={endpoint} ansible_python_interpreter={}",
            python.display()
        ))
        .output()
        .map_err(Error::io(&playbook))?;
    let took = start.elapsed();
    if output.status.success() {
        return Ok(took.as_secs_f64());
    }
    Err(Error::Peer {
        name: "ansible-playbook tutorial.yml".to_owned(),
        output: format!(
            "{}: {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
    })
}

/// What the peers took, and how often as long as ours.
pub fn compared(case: &str, ours: &Sample, peers: Vec<(Peer, Vec<f64>)>) -> Vec<Finding> {
    let ours = ours.median();
    let finding = |(peer, figures): (Peer, Vec<f64>)| {
        let sample = Sample::new(figures);
        let note = format!("{:.2} × ours", sample.median() / ours);
        let case = format!("{case}: boto3 {}", peer.name());
        Finding::new(case, "s", Goal::Told, sample).note(note)
    };
    peers.into_iter().map(finding).collect()
}
