//! What came, and when.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A call.
#[derive(Debug, Clone)]
pub struct Call {
    /// `service:Operation`.
    pub name: String,
    /// When the request had arrived.
    pub arrived: Instant,
    /// When the reply had left.
    pub replied: Instant,
    /// Whether it was refused because it came too fast.
    pub throttled: bool,
}

/// The calls of a measurement, in the order in which their replies left.
#[derive(Debug, Clone, Default)]
pub struct Calls(pub Vec<Call>);

impl Calls {
    /// How many there were.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many there were of each operation.
    pub fn by_operation(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for call in &self.0 {
            *counts.entry(call.name.as_str()).or_default() += 1;
        }
        counts
    }

    /// How many came too fast.
    pub fn throttled(&self) -> usize {
        self.0.iter().filter(|call| call.throttled).count()
    }

    /// When the first request had arrived.
    pub fn first(&self) -> Option<Instant> {
        self.0.iter().map(|call| call.arrived).min()
    }

    /// When the last reply had left.
    pub fn last(&self) -> Option<Instant> {
        self.0.iter().map(|call| call.replied).max()
    }

    /// For how long at least one call was under way.
    pub fn busy(&self) -> Duration {
        let mut spans: Vec<(Instant, Instant)> = self
            .0
            .iter()
            .map(|call| (call.arrived, call.replied))
            .collect();
        spans.sort();
        let mut busy = Duration::ZERO;
        let mut covered: Option<Instant> = None;
        for (from, to) in spans {
            let from = covered.map_or(from, |covered| covered.max(from));
            busy += to.saturating_duration_since(from);
            covered = Some(covered.map_or(to, |covered| covered.max(to)));
        }
        busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_side_by_side_are_busy_once() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let call = |from, to| Call {
            name: "logs:DescribeLogGroups".to_owned(),
            arrived: at(from),
            replied: at(to),
            throttled: false,
        };
        let calls = Calls(vec![
            call(0, 50),
            call(20, 60),
            call(100, 130),
            call(110, 120),
        ]);
        assert_eq!(calls.busy(), Duration::from_millis(90));
        assert_eq!((calls.first(), calls.last()), (Some(at(0)), Some(at(130))));
    }
}
