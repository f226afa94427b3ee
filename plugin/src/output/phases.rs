//! What an operation did and waited for, and how long each took.

use std::time::{Duration, Instant};

/// One thing that was done or waited for.
#[derive(Clone, Debug)]
struct Phase {
    text: String,
    began: Instant,
    /// Absent while it lasts.
    took: Option<Duration>,
}

/// The phases of an operation, in their order.
#[derive(Debug, Default)]
pub(super) struct Phases(Vec<Phase>);

/// What becomes of what was said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is what was said last.
    Known,
    /// The same phase has come further: `starting PostgreSQL 2/3`.
    Further,
    /// Another phase; what the last one was, and how long it took.
    New(Option<(String, Duration)>),
}

impl Phases {
    /// What is done or waited for from now on.
    pub(super) fn say(&mut self, text: &str, now: Instant) -> Said {
        if let Some(last) = self.0.last_mut()
            && last.took.is_none()
            && is_same(&last.text, text)
        {
            if last.text == text {
                return Said::Known;
            }
            text.clone_into(&mut last.text);
            return Said::Further;
        }
        let ended = self.end(now);
        self.0.push(Phase {
            text: text.to_owned(),
            began: now,
            took: None,
        });
        Said::New(ended)
    }

    /// The phase that lasts is over.
    pub(super) fn end(&mut self, now: Instant) -> Option<(String, Duration)> {
        let last = self.0.last_mut().filter(|last| last.took.is_none())?;
        let took = now.saturating_duration_since(last.began);
        last.took = Some(took);
        Some((last.text.clone(), took))
    }

    /// What lasts, or ended last.
    pub(super) fn last(&self) -> Option<&str> {
        self.0.last().map(|phase| phase.text.as_str())
    }

    /// Every phase with its time, in one line; what was done more than once is told once. Nothing
    /// where all of it took less than `worth`.
    pub(super) fn summary(&self, worth: Duration) -> Option<String> {
        let mut parts: Vec<(&str, Duration)> = Vec::new();
        for phase in &self.0 {
            let took = phase.took.unwrap_or_default();
            match parts
                .iter_mut()
                .find(|(text, _)| is_same(text, &phase.text))
            {
                Some((text, sum)) => {
                    *text = &phase.text;
                    *sum += took;
                }
                None => parts.push((&phase.text, took)),
            }
        }
        let total: Duration = parts.iter().map(|(_, took)| *took).sum();
        if total < worth {
            return None;
        }
        let parts: Vec<String> = parts
            .iter()
            .map(|(text, took)| format!("{text} {}", span(*took)))
            .collect();
        Some(format!("took {}: {}", span(total), parts.join(", ")))
    }
}

/// Whether two texts differ in nothing but how far it is.
fn is_same(one: &str, other: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(' ').filter(|word| !is_count(word));
        words.map(str::to_owned).collect()
    };
    words(one) == words(other)
}

/// `1/3`
fn is_count(word: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    word.split_once('/')
        .is_some_and(|(done, of)| is_number(done) && is_number(of))
}

/// A time as one reads it: `0.3s`, `12s`, `1m05s`.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        _ => format!("{}m{:02}s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    #[test]
    fn a_count_that_moves_on_is_no_other_phase() {
        let mut phases = Phases::default();
        let start = Instant::now();
        assert_eq!(phases.say("creating the cluster", start), Said::New(None));
        let then = start + milliseconds(300);
        let ended = Some(("creating the cluster".to_owned(), milliseconds(300)));
        assert_eq!(
            phases.say("starting PostgreSQL 0/3", then),
            Said::New(ended)
        );
        let then = then + milliseconds(500);
        assert_eq!(phases.say("starting PostgreSQL 0/3", then), Said::Known);
        assert_eq!(phases.say("starting PostgreSQL 1/3", then), Said::Further);
        assert_eq!(phases.last(), Some("starting PostgreSQL 1/3"));
        let ended = phases.end(then + milliseconds(61_700)).unwrap();
        assert_eq!(
            ended,
            ("starting PostgreSQL 1/3".into(), milliseconds(62_200))
        );
        assert_eq!(phases.end(then), None);
        assert_eq!(
            phases.summary(milliseconds(1_000)).as_deref(),
            Some("took 1m02s: creating the cluster 0.3s, starting PostgreSQL 1/3 1m02s")
        );
    }

    #[test]
    fn what_takes_no_time_is_not_worth_a_line() {
        let mut phases = Phases::default();
        let start = Instant::now();
        phases.say("updating the record", start);
        phases.say("removing the cluster", start + milliseconds(200));
        phases.say("updating the record", start + milliseconds(400));
        phases.end(start + milliseconds(500));
        assert_eq!(phases.summary(milliseconds(1_000)), None);
        assert_eq!(
            phases.summary(milliseconds(0)).as_deref(),
            Some("took 0.5s: updating the record 0.3s, removing the cluster 0.2s")
        );
    }

    #[test]
    fn times_read_well() {
        assert_eq!(span(milliseconds(49)), "0.0s");
        assert_eq!(span(milliseconds(9_940)), "9.9s");
        assert_eq!(span(milliseconds(12_900)), "12s");
        assert_eq!(span(milliseconds(65_000)), "1m05s");
    }
}
