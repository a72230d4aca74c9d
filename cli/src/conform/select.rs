//! Which checks are tried: those of a section with all below it, one by its id, or those that show one requirement.

use super::check::Check;
use crate::error::Error;

/// The checks that these words name, each once, in the order of the RFC; all where there are none. Without those that `except` names.
///
/// # Errors
///
/// [`Error::Usage`] for a word that names none.
pub(super) fn select<'a>(
    table: impl Iterator<Item = &'a Check> + Clone,
    words: &[String],
    except: &[String],
) -> Result<Vec<&'a Check>, Error> {
    if let Some(word) = words
        .iter()
        .chain(except)
        .find(|word| !table.clone().any(|check| names(word, check)))
    {
        return Err(Error::Usage(format!(
            "no check is called {word}: `iaxproof conform --list` has them all"
        )));
    }
    let is_wanted =
        |check: &&Check| (words.is_empty() || is_among(words, check)) && !is_among(except, check);
    let mut chosen: Vec<&Check> = table.filter(is_wanted).collect();
    chosen.sort_by_key(|check| check.order());
    Ok(chosen)
}

fn is_among(words: &[String], check: &Check) -> bool {
    words.iter().any(|word| names(word, check))
}

fn names(word: &str, check: &Check) -> bool {
    let is_id = check.id == word || check.rows().any(|row| row == word);
    is_id || is_within(check.section(), word)
}

/// Whether a section is `word` or below it: `6.1.2` is within `6`, `6.1` and `6.1.2`, and `X-TOK` within `X`.
fn is_within(section: &str, word: &str) -> bool {
    let rest = section.strip_prefix(word);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conform::check::must;

    const TABLE: [Check; 4] = [
        must("6.1.2-6a", "", |_| Ok(())),
        must("6.1.2-6b", "", |_| Ok(())).covers(&["X-REG-4"]),
        must("6.10-2", "", |_| Ok(())),
        must("X-REG-5", "", |_| Ok(())),
    ];

    /// A word behind a dash is left out.
    fn chosen(words: &[&str]) -> Option<Vec<&'static str>> {
        static CHECKS: [Check; 4] = TABLE;
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let (words, except): (Vec<_>, Vec<_>) =
            words.into_iter().partition(|it| !it.starts_with('-'));
        let except: Vec<String> = except.iter().map(|it| it[1..].to_owned()).collect();
        let chosen = select(CHECKS.iter(), &words, &except).ok()?;
        Some(chosen.iter().map(|check| check.id).collect())
    }

    #[test]
    fn a_section_an_id_and_a_requirement_choose() {
        assert_eq!(chosen(&[]).unwrap().len(), 4);
        assert_eq!(chosen(&["6.1"]).unwrap(), ["6.1.2-6a", "6.1.2-6b"]);
        assert_eq!(chosen(&["6.1.2-6"]).unwrap(), ["6.1.2-6a", "6.1.2-6b"]);
        assert_eq!(chosen(&["6.1.2-6b"]).unwrap(), ["6.1.2-6b"]);
        assert_eq!(chosen(&["X-REG-4"]).unwrap(), ["6.1.2-6b"]);
        assert_eq!(chosen(&["X", "6.10"]).unwrap(), ["6.10-2", "X-REG-5"]);
        assert_eq!(chosen(&["6.1", "6.1.2"]).unwrap().len(), 2);
    }

    #[test]
    fn what_is_left_out_is_not_chosen() {
        assert_eq!(chosen(&["-6.1"]).unwrap(), ["6.10-2", "X-REG-5"]);
        assert_eq!(chosen(&["6.1", "-X-REG-4"]).unwrap(), ["6.1.2-6a"]);
        assert_eq!(chosen(&["6.1", "-6.1.22"]), None);
    }

    #[test]
    fn a_word_that_names_nothing_is_an_error() {
        assert_eq!(chosen(&["6.1.2", "6.1.22"]), None);
        assert_eq!(chosen(&["6.1.2-"]), None);
    }
}
