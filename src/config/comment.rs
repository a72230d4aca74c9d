//! Comments: what of a line is left when they are gone (Asterisk: `main/config.c`).
//!
//! `;` begins a comment to the end of the line, `\;` is a semicolon. `;--` begins a comment that ends with `--;`, on this line or
//! a later one, and holds others of its kind; `;---` is a comment to the end of the line.

use super::COMMENT_DEPTH_MAX;
use super::error::Problem;

/// The comments that are open between two lines: the line where each began.
#[derive(Debug, Default)]
pub(super) struct Comments {
    open: Vec<u32>,
}

impl Comments {
    /// The line without comments, and whether it ends in an open one.
    pub(super) fn strip(&mut self, line: &str, number: u32) -> Result<String, Problem> {
        let mut kept = String::new();
        // Text before `from` is dealt with; a semicolon is sought from `look` on.
        let (mut from, mut look) = (0, 0);
        while let Some(at) = line[look..].find(';').map(|found| look + found) {
            match kind(line, look, at) {
                Semicolon::Escaped => {
                    self.keep(&mut kept, &line[from..at - 1]);
                    (from, look) = (at, at + 1);
                }
                Semicolon::Opens => {
                    self.keep(&mut kept, &line[from..at]);
                    self.opens(number)?;
                    look = at + OPENING.len();
                    from = look;
                }
                Semicolon::Closes => {
                    self.open.pop().ok_or(Problem::CommentNotOpen)?;
                    look = at + 1;
                    from = look;
                }
                Semicolon::Plain if self.open.is_empty() => {
                    kept.push_str(&line[from..at]);
                    return Ok(kept);
                }
                Semicolon::Plain => look = at + 1,
            }
        }
        self.keep(&mut kept, &line[from..]);
        Ok(kept)
    }

    /// The line where the innermost open comment began.
    pub(super) fn unclosed(&self) -> Option<u32> {
        self.open.last().copied()
    }

    fn keep(&self, kept: &mut String, text: &str) {
        if self.open.is_empty() {
            kept.push_str(text);
        }
    }

    fn opens(&mut self, number: u32) -> Result<(), Problem> {
        if self.open.len() == COMMENT_DEPTH_MAX {
            return Err(Problem::TooMuch {
                what: "comments in each other",
                max: COMMENT_DEPTH_MAX,
            });
        }
        self.open.push(number);
        Ok(())
    }
}

/// What one semicolon does.
enum Semicolon {
    Escaped,
    Opens,
    Closes,
    Plain,
}

const OPENING: &str = ";--";

/// The semicolon at `at`; what stands before `look` belongs to an earlier one.
fn kind(line: &str, look: usize, at: usize) -> Semicolon {
    let before = &line[look..at];
    let after = &line[at..];
    if before.ends_with('\\') {
        Semicolon::Escaped
    } else if after.starts_with(OPENING) && !after.starts_with(";---") {
        Semicolon::Opens
    } else if before.ends_with("--") {
        Semicolon::Closes
    } else {
        Semicolon::Plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(lines: &[&str]) -> Result<Vec<String>, Problem> {
        let mut comments = Comments::default();
        let numbered = lines.iter().zip(1..);
        let stripped = numbered.map(|(line, number)| comments.strip(line, number));
        stripped.collect()
    }

    fn one(line: &str) -> String {
        strip(&[line]).unwrap().remove(0)
    }

    #[test]
    fn a_semicolon_ends_the_line_unless_escaped() {
        assert_eq!(one("a = b ; c"), "a = b ");
        assert_eq!(one("a = b\\;c ; d"), "a = b;c ");
        assert_eq!(one("a\\;;b"), "a;");
        assert_eq!(one("a = b ;--- c"), "a = b ");
        assert_eq!(one("a = b ;- c"), "a = b ");
    }

    #[test]
    fn a_block_is_cut_out_of_its_line() {
        assert_eq!(one("a = ;-- gone --; b"), "a =  b");
        assert_eq!(one("a;-- ;-- inner --; outer --;b;c"), "ab");
        assert_eq!(one("a;-- one; two --;b"), "ab");
        // The dashes of the beginning are not those of an end.
        assert_eq!(one("a;--; still --;b"), "ab");
    }

    #[test]
    fn a_block_spans_lines_and_nests() {
        let lines = ["a;--", "b;--", "c--;d", "e--;f;--", "--;g"];
        assert_eq!(strip(&lines).unwrap(), ["a", "", "", "f", "g"]);
    }

    #[test]
    fn an_end_without_a_beginning_and_too_deep_a_nest_are_refused() {
        assert_eq!(strip(&["a --; b"]), Err(Problem::CommentNotOpen));
        let deep = ";--".repeat(COMMENT_DEPTH_MAX + 1);
        assert!(matches!(strip(&[&deep]), Err(Problem::TooMuch { .. })));
        let mut comments = Comments::default();
        comments.strip(&";--".repeat(3), 7).unwrap();
        assert_eq!(comments.unclosed(), Some(7));
    }
}
