//! What a case found, against its goal.

use std::fmt;

/// The figures of several runs.
#[derive(Debug, Clone)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// The figures, in any order.
    pub fn new(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        Self(figures)
    }

    /// The one in the middle; of an even number, the mean of the two there.
    pub fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        match self.0.len() % 2 {
            _ if self.0.is_empty() => f64::NAN,
            0 => f64::midpoint(self.0[middle - 1], self.0[middle]),
            _ => self.0[middle],
        }
    }

    /// The least and the largest.
    pub fn spread(&self) -> (f64, f64) {
        let first = self.0.first().copied().unwrap_or(f64::NAN);
        (first, self.0.last().copied().unwrap_or(f64::NAN))
    }
}

/// What is asked of the median.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
    /// Nothing: the figure stands for comparison.
    Told,
}

/// A row of the results.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What was measured.
    pub case: String,
    /// In which unit.
    pub unit: &'static str,
    /// What is asked.
    pub goal: Goal,
    /// What was found.
    pub sample: Sample,
    /// What there is to know besides.
    pub note: String,
}

impl Finding {
    /// A finding.
    pub fn new(case: impl Into<String>, unit: &'static str, goal: Goal, sample: Sample) -> Self {
        Self {
            case: case.into(),
            unit,
            goal,
            sample,
            note: String::new(),
        }
    }

    /// The same with something to know besides.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Whether the goal is met.
    pub fn is_met(&self) -> bool {
        let median = self.sample.median();
        match self.goal {
            Goal::AtMost(bound) => median <= bound,
            Goal::AtLeast(bound) => median >= bound,
            Goal::Told => true,
        }
    }
}

impl fmt::Display for Finding {
    /// A row of a Markdown table: case, goal, median, spread, verdict, note.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let goal = match self.goal {
            Goal::AtMost(bound) => format!("≤ {} {}", figure(bound), self.unit),
            Goal::AtLeast(bound) => format!("≥ {} {}", figure(bound), self.unit),
            Goal::Told => String::new(),
        };
        let median = format!("{} {}", figure(self.sample.median()), self.unit);
        let (least, largest) = self.sample.spread();
        let spread = format!("{}–{}", figure(least), figure(largest));
        let verdict = match self.goal {
            Goal::Told => "",
            _ if self.is_met() => "met",
            _ => "**missed**",
        };
        write!(
            f,
            "| {} | {} | {} | {spread} | {verdict} | {} |",
            self.case,
            goal.trim(),
            median.trim(),
            self.note
        )
    }
}

/// Three digits that count; large figures in full.
fn figure(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_decides() {
        let sample = Sample::new([3.0, 1.0, 2.0]);
        assert_eq!((sample.median(), sample.spread()), (2.0, (1.0, 3.0)));
        let finding = |goal| Finding::new("case", "s", goal, sample.clone());
        assert!(finding(Goal::AtMost(2.0)).is_met());
        assert!(!finding(Goal::AtMost(1.9)).is_met());
        assert!(!finding(Goal::AtLeast(2.1)).is_met());
        let nothing = Finding::new("case", "s", Goal::AtMost(1.0), Sample::new([]));
        assert!(!nothing.is_met());
    }
}
