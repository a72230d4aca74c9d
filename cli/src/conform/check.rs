//! One check: what it judges, how grave a failure is, and the function that tries it. What became of it is a [`Verdict`].

use serde::Serialize;

use super::trial::Trial;

/// How much the rule that a check judges binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Level {
    /// Not to be so is a failure.
    Must,
    /// Not to be so is a warning.
    Should,
}

impl Level {
    /// As RFC 2119 writes it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Level::Must => "MUST",
            Level::Should => "SHOULD",
        }
    }
}

/// Why a check ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// This was expected and did not come, or came otherwise.
    Failed(String),
    /// It is not as RFC 5456 says, but as Asterisk does it, and others rely on that.
    Deployed(String),
    /// It cannot be tried, for this reason.
    Skipped(String),
    /// The system refused something.
    Broke(String),
}

/// Nothing where all was as it must be.
pub(super) type Outcome = Result<(), Stop>;

/// [`Stop::Failed`], as a result: it says what was expected.
pub(super) fn fail<T>(expected: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(expected.into()))
}

/// [`Stop::Skipped`], as a result.
pub(super) fn skip<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Skipped(reason.into()))
}

/// Fails, saying what was expected, unless it is so.
pub(super) fn want(is_so: bool, expected: impl Into<String>) -> Outcome {
    match is_so {
        true => Ok(()),
        false => fail(expected),
    }
}

/// One numbered check.
#[derive(Debug)]
pub(super) struct Check {
    /// Section and number of the requirement, with a letter where several checks judge one.
    pub(super) id: &'static str,
    /// How much it binds.
    pub(super) level: Level,
    /// What is so where it passes.
    pub(super) statement: &'static str,
    /// Further requirements that it shows.
    pub(super) covers: &'static [&'static str],
    /// Whether it takes seconds, for it waits for timers of the other side.
    pub(super) is_slow: bool,
    /// What Asterisk 22 is known to do instead. It is a failure all the same: nobody relies on that.
    pub(super) asterisk: Option<&'static str>,
    /// Tries it.
    pub(super) run: fn(&Trial<'_>) -> Outcome,
}

/// A check that fails.
pub(super) const fn must(
    id: &'static str,
    statement: &'static str,
    run: fn(&Trial<'_>) -> Outcome,
) -> Check {
    Check {
        id,
        level: Level::Must,
        statement,
        covers: &[],
        is_slow: false,
        asterisk: None,
        run,
    }
}

/// A check that warns.
pub(super) const fn should(
    id: &'static str,
    statement: &'static str,
    run: fn(&Trial<'_>) -> Outcome,
) -> Check {
    let check = must(id, statement, run);
    Check {
        level: Level::Should,
        ..check
    }
}

impl Check {
    /// Names further requirements.
    pub(super) const fn covers(self, covers: &'static [&'static str]) -> Self {
        Check { covers, ..self }
    }

    /// Says what Asterisk 22 is known to do instead.
    pub(super) const fn fails_asterisk(self, what: &'static str) -> Self {
        Check {
            asterisk: Some(what),
            ..self
        }
    }

    /// Says that it takes seconds.
    pub(super) const fn slow(self) -> Self {
        Check {
            is_slow: true,
            ..self
        }
    }

    /// `6.1.2` of `6.1.2-5`, `X-TOK` of `X-TOK-4`.
    pub(super) fn section(&self) -> &'static str {
        self.id
            .rsplit_once('-')
            .map_or(self.id, |(section, _)| section)
    }

    /// The requirement that it is named after: the id without its letter.
    pub(super) fn row(&self) -> &'static str {
        self.id.trim_end_matches(|c: char| c.is_ascii_lowercase())
    }

    /// The order of the report: chapters of the RFC by their numbers, then what is not in it; stated rules before those that
    /// have no keyword of their own.
    pub(super) fn order(&self) -> (bool, Vec<u32>, &'static str, bool, u32, &'static str) {
        let section = self.section();
        let parts = section.split('.').filter_map(|part| part.parse().ok());
        let number = self.row().rsplit('-').next().unwrap_or_default();
        let digits = number.trim_start_matches('i');
        (
            section.starts_with('X'),
            parts.collect(),
            section,
            digits.len() < number.len(),
            digits.parse().unwrap_or_default(),
            self.id,
        )
    }

    /// Where the rule stands.
    pub(super) fn source(&self) -> String {
        match self.id.starts_with("X-") {
            true => "not in RFC 5456; the deployed wire".to_owned(),
            false => format!("RFC 5456 §{}", self.section()),
        }
    }

    /// All requirements that it shows.
    pub(super) fn rows(&self) -> impl Iterator<Item = &'static str> {
        core::iter::once(self.row()).chain(self.covers.iter().copied())
    }
}

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// It is so.
    Pass,
    /// It was not tried.
    Skipped,
    /// It should be so and is not, or is as Asterisk does it against the RFC.
    Warning,
    /// It must be so and is not.
    Fail,
    /// We could not do our part.
    Broke,
}

impl Verdict {
    /// What the outcome of a check comes to, and why.
    pub(super) fn of(check: &Check, outcome: Outcome) -> (Self, Option<String>) {
        match (outcome, check.level) {
            (Ok(()), _) => (Verdict::Pass, None),
            (Err(Stop::Skipped(reason)), _) => (Verdict::Skipped, Some(reason)),
            (Err(Stop::Broke(reason)), _) => (Verdict::Broke, Some(reason)),
            (Err(Stop::Deployed(what)), _) => {
                let reason = format!("as Asterisk does, against the RFC: {what}");
                (Verdict::Warning, Some(reason))
            }
            (Err(Stop::Failed(expected)), Level::Should) => {
                (Verdict::Warning, Some(format!("expected {expected}")))
            }
            (Err(Stop::Failed(expected)), Level::Must) => {
                let known = check
                    .asterisk
                    .map(|what| format!("; known of Asterisk 22: {what}"));
                let reason = format!("expected {expected}{}", known.unwrap_or_default());
                (Verdict::Fail, Some(reason))
            }
        }
    }

    /// The word of a listing.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Skipped => "skipped",
            Verdict::Warning => "warning",
            Verdict::Fail => "FAIL",
            Verdict::Broke => "BROKE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_id_without_its_letter() {
        let check = must("6.1.2-6b", "", |_| Ok(())).covers(&["X-REG-4"]);
        assert_eq!((check.section(), check.row()), ("6.1.2", "6.1.2-6"));
        assert_eq!(check.rows().collect::<Vec<_>>(), ["6.1.2-6", "X-REG-4"]);
        let check = must("7-i1", "", |_| Ok(()));
        assert_eq!((check.section(), check.row()), ("7", "7-i1"));
    }

    #[test]
    fn the_order_is_that_of_the_rfc() {
        let order = |id| must(id, "", |_| Ok(())).order();
        let ids = [
            "6.2.2-7", "6.2.2-7b", "6.2.2-10", "6.2.2-i1", "6.10-2", "7-1", "X-IE-1", "X-TOK-1",
        ];
        assert!(ids.windows(2).all(|pair| order(pair[0]) < order(pair[1])));
    }

    #[test]
    fn what_should_be_and_is_not_is_a_warning() {
        let (must, should) = (must("6-1", "", |_| Ok(())), should("6-2", "", |_| Ok(())));
        let of = |check, stop| Verdict::of(check, Err(stop)).0;
        let failed = || Stop::Failed("an ACK".to_owned());
        assert_eq!(of(&must, failed()), Verdict::Fail);
        assert_eq!(of(&should, failed()), Verdict::Warning);
        let deployed = Stop::Deployed("silence".to_owned());
        assert_eq!(of(&must, deployed), Verdict::Warning);
        assert_eq!(Verdict::of(&must, Ok(())), (Verdict::Pass, None));
    }

    #[test]
    fn what_asterisk_is_known_for_fails_and_is_named() {
        let check = must("6-1", "", |_| Ok(())).fails_asterisk("nothing comes");
        let (verdict, reason) = Verdict::of(&check, Err(Stop::Failed("an ACK".to_owned())));
        let expected = "expected an ACK; known of Asterisk 22: nothing comes";
        assert_eq!(
            (verdict, reason.as_deref()),
            (Verdict::Fail, Some(expected))
        );
    }
}
