//! What an extension leads to: a list of patterns, each with one action. Without a file it is what `serve` always did: `echo`, `music`, and any
//! other number is a peer. [`pattern`] says what fits and which of several counts.
//!
//! The file has the syntax of all configurations here (`iaxproof::config`), and one section:
//!
//! ```text
//! [extensions]
//! 600       => echo
//! 601       => music
//! 602       => tone 440                 ; in Hz
//! _1XX      => dial phone${EXTEN}       ; a peer, called by its own name
//! _9.       => dial gateway/${EXTEN:1}  ; an extension over there, without the 9
//! _!        => hangup 3                 ; with this cause; 16 where none is named
//! ```
//!
//! What nothing fits is refused, as a number that chan_iax2's dial plan does not have. A file with an error is refused whole.

mod pattern;

use std::path::Path;

use iaxproof::config::document::Setting;
use iaxproof::config::{ConfigError, Document, Place, Problem, Refusal};
use iaxproof::wire::Cause;

use self::pattern::Pattern;
use crate::error::Error;

/// The section.
const SECTION: &str = "extensions";
/// The tones that a call at 8 kHz can carry, in Hz.
const TONES: core::ops::RangeInclusive<u32> = 20..=3_900;
/// What an action may be.
const ACTIONS: &str = "`echo`, `music`, `tone HZ` (20 to 3900), `hangup` or `hangup CAUSE` (1 to 127), `dial PEER` or `dial PEER/EXTENSION`, where `${EXTEN}` is the number and `${EXTEN:2}` is it without two characters";

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// What is heard goes back.
    Echo,
    /// Music is played.
    Music,
    /// A tone of so many Hz is played.
    Tone(u32),
    /// It is refused with this cause.
    Hangup(Cause),
    /// A peer is called: `PEER` or `PEER/EXTENSION`.
    Dial(String),
}

/// Patterns, the most specific first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dialplan(Vec<(Pattern, Action)>);

impl Dialplan {
    /// The one without a file.
    pub(crate) fn built_in() -> Self {
        let rule = |pattern: &str, action| {
            let pattern = pattern.parse().expect("it is a pattern");
            (pattern, action)
        };
        Dialplan(vec![
            rule("echo", Action::Echo),
            rule("music", Action::Music),
            rule("_!", Action::Dial("${EXTEN}".to_owned())),
        ])
    }

    /// Reads a file, and what it includes.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] where it cannot be read, or with file, line and what was expected there.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let document = crate::config::document(path)?;
        let plan = document.and_then(|document| of(&document));
        plan.map_err(|refusal| crate::config::refused(path, &refusal))
    }

    /// Its patterns as they were written, the most specific first, and what they lead to.
    pub(crate) fn rules(&self) -> Vec<(String, Action)> {
        let rules = self.0.iter();
        rules
            .map(|(pattern, action)| (pattern.to_string(), action.clone()))
            .collect()
    }

    /// The one with these rules, which another one had; `None` where one has no pattern.
    pub(crate) fn of_rules(rules: Vec<(String, Action)>) -> Option<Self> {
        let rules = rules
            .into_iter()
            .map(|(pattern, action)| Some((pattern.parse().ok()?, action)));
        rules.collect::<Option<_>>().map(Dialplan)
    }

    /// What a number leads to, with the number in its place.
    pub(crate) fn action(&self, number: &str) -> Option<Action> {
        let (_, action) = self.0.iter().find(|(pattern, _)| pattern.fits(number))?;
        Some(match action {
            Action::Dial(target) => Action::Dial(filled(target, number)),
            other => other.clone(),
        })
    }
}

fn of(document: &Document) -> Result<Dialplan, Refusal> {
    let (mut rules, mut errors) = (Vec::<(Pattern, Action, Place)>::new(), Vec::new());
    let sections = document.sections().iter().filter(|it| !it.is_template());
    for section in sections {
        for setting in section.settings() {
            let place = document.place_of(setting);
            let read = match section.name() {
                SECTION => rule(setting),
                _ => Err("the section `[extensions]` and no other"),
            };
            let read = read.and_then(
                |rule| match rules.iter().any(|it| is_same(&it.0, &rule.0)) {
                    true => Err("each pattern once, and no two that fit the same"),
                    false => Ok(rule),
                },
            );
            match read {
                Ok((pattern, action)) => rules.push((pattern, action, place)),
                Err(expected) => errors.push(wrong(setting, place, expected)),
            }
        }
    }
    if !errors.is_empty() {
        errors.truncate(iaxproof::config::ERRORS_MAX);
        return Err(Refusal(errors));
    }
    rules.sort_by(|a, b| a.0.order(&b.0));
    let rules = rules
        .into_iter()
        .map(|(pattern, action, _)| (pattern, action));
    Ok(Dialplan(rules.collect()))
}

fn is_same(a: &Pattern, b: &Pattern) -> bool {
    a.order(b).is_eq()
}

fn wrong(setting: &Setting, place: Place, expected: &'static str) -> ConfigError {
    let problem = Problem::Value {
        option: setting.key().to_owned(),
        found: setting.value().to_owned(),
        expected,
    };
    ConfigError { place, problem }
}

fn rule(setting: &Setting) -> Result<(Pattern, Action), &'static str> {
    let pattern = setting.key().parse()?;
    let action = action(setting.value()).ok_or(ACTIONS)?;
    Ok((pattern, action))
}

fn action(text: &str) -> Option<Action> {
    let mut words = text.split_whitespace();
    let action = match (words.next()?, words.next()) {
        ("echo", None) => Action::Echo,
        ("music", None) => Action::Music,
        ("tone", Some(hertz)) => {
            Action::Tone(hertz.parse().ok().filter(|hertz| TONES.contains(hertz))?)
        }
        ("hangup", None) => Action::Hangup(Cause::NORMAL_CLEARING),
        ("hangup", Some(cause)) => {
            let cause = cause
                .parse()
                .ok()
                .filter(|cause| (1..=127).contains(cause))?;
            Action::Hangup(Cause(cause))
        }
        ("dial", Some(target)) if is_target(target) => Action::Dial(target.to_owned()),
        _ => return None,
    };
    words.next().is_none().then_some(action)
}

/// Whether every `${` begins a variable that is known.
fn is_target(target: &str) -> bool {
    let mut pieces = target.split("${");
    let first = pieces.next().is_some_and(|it| !it.starts_with('/'));
    first && pieces.all(|piece| variable(piece).is_some())
}

/// Behind `${`: how many characters are left out, and what follows the variable.
fn variable(piece: &str) -> Option<(usize, &str)> {
    let (inside, behind) = piece.split_once('}')?;
    let without = match inside.strip_prefix("EXTEN")? {
        "" => 0,
        rest => rest.strip_prefix(':')?.parse().ok()?,
    };
    Some((without, behind))
}

fn filled(target: &str, number: &str) -> String {
    let mut pieces = target.split("${");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for (without, behind) in pieces.filter_map(variable) {
        out.extend(number.chars().skip(without));
        out.push_str(behind);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use iaxproof::config::{NoFiles, Source};

    fn plan(text: &str) -> Result<Dialplan, Refusal> {
        let source = Source {
            name: "plan".to_owned(),
            octets: text.as_bytes().to_vec(),
        };
        of(&Document::read(source, &NoFiles).unwrap())
    }

    fn dial(target: &str) -> Option<Action> {
        Some(Action::Dial(target.to_owned()))
    }

    #[test]
    fn the_built_in_plan_is_echo_music_and_peers() {
        let plan = Dialplan::built_in();
        assert_eq!(plan.action("echo"), Some(Action::Echo));
        assert_eq!(plan.action("music"), Some(Action::Music));
        assert_eq!(plan.action("far/echo"), dial("far/echo"));
        assert_eq!(plan.action("ECHO"), dial("ECHO"));
        assert_eq!(plan.action(""), dial(""));
    }

    #[test]
    fn the_most_specific_pattern_counts_wherever_it_stands() {
        let plan = plan(
            "[extensions]\n_. => hangup\n_1XX => dial phone${EXTEN}\n_9. => dial gate/${EXTEN:1}\n\
            _1X5 => tone 440\n115 => echo\n_12[0-4] => hangup 17\n",
        )
        .unwrap();
        assert_eq!(plan.action("115"), Some(Action::Echo));
        assert_eq!(plan.action("125"), Some(Action::Tone(440)));
        assert_eq!(plan.action("123"), Some(Action::Hangup(Cause::USER_BUSY)));
        assert_eq!(plan.action("166"), dial("phone166"));
        assert_eq!(plan.action("9100"), dial("gate/100"));
        assert_eq!(
            plan.action("x"),
            Some(Action::Hangup(Cause::NORMAL_CLEARING))
        );
        assert_eq!(plan.action(""), None);
    }

    #[test]
    fn errors_have_file_line_and_what_was_expected() {
        let errors = |text: &str| plan(text).unwrap_err().to_string();
        let all = errors(
            "[extensions]\n1 => dance\n_X.1 => echo\n2 => tone 9\n3 => dial ${OTHER}\n4 => echo\n4 => music\n_[4] => music\n[sip]\na = b\n",
        );
        let lines: Vec<&str> = all.lines().collect();
        let begins = [
            "plan:2: 1 = \"dance\": expected `echo`",
            "plan:3: _X.1 = \"echo\": expected nothing after",
        ];
        for (line, begin) in lines.iter().zip(begins) {
            assert!(line.starts_with(begin), "{line}");
        }
        assert!(
            lines[4].starts_with("plan:7: 4 = \"music\": expected each pattern once"),
            "{all}"
        );
        assert!(
            lines[6].starts_with("plan:10: a = \"b\": expected the section"),
            "{all}"
        );
        assert_eq!(lines.len(), 7, "{all}");
    }
}
