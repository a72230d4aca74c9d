//! What one line says, once its comments are gone: a header, a directive or an option (Asterisk: `process_text_line`).

use super::error::Problem;
use crate::engine::settings::Name;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// `[name]` and what stands in `()` behind it.
    Header { name: &'a str, marks: Vec<Mark<'a>> },
    /// `#include`, or `#tryinclude` where it is not `required`.
    Include { file: &'a str, required: bool },
    /// `key = value` or `key => value`.
    Set { key: &'a str, value: &'a str },
    /// `key += value`: the value as it stands, with the blanks before it.
    Append { key: &'a str, value: &'a str },
}

/// One mark of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark<'a> {
    /// `!`: the section is a template.
    Template,
    /// `+`: the section goes on.
    Add(Among),
    /// A section to inherit from.
    Inherit(&'a str),
}

/// Which sections `+` looks among.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Among {
    /// Those that are no templates: `+`.
    Plain,
    /// All: `+TEMPLATES=include`.
    All,
    /// Templates: `+TEMPLATES=restrict`.
    Templates,
}

impl Among {
    /// Whether a section that is a template, or is none, may be added to.
    pub(super) fn admits(self, is_template: bool) -> bool {
        match self {
            Among::Plain => !is_template,
            Among::All => true,
            Among::Templates => is_template,
        }
    }
}

/// Without the blanks at both ends. Asterisk takes every control character for one.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// Whether Asterisk takes it for a blank.
pub(super) fn is_blank(c: char) -> bool {
    c <= ' '
}

/// Reads a line that is stripped and not empty.
pub(super) fn read(line: &str) -> Result<Line<'_>, Problem> {
    if let Some(rest) = line.strip_prefix('[') {
        header(rest)
    } else if let Some(rest) = line.strip_prefix('#') {
        directive(rest)
    } else {
        option(line)
    }
}

fn header(rest: &str) -> Result<Line<'_>, Problem> {
    let (name, rest) = rest.split_once(']').ok_or(Problem::HeaderNotClosed(']'))?;
    if Name::new(name).is_none() {
        return Err(Problem::SectionName);
    }
    let marks = match rest.strip_prefix('(') {
        Some(list) => marks(list)?,
        None if rest.is_empty() => Vec::new(),
        None => return Err(Problem::TextAfterHeader),
    };
    Ok(Line::Header { name, marks })
}

fn marks(list: &str) -> Result<Vec<Mark<'_>>, Problem> {
    let (list, rest) = list.split_once(')').ok_or(Problem::HeaderNotClosed(')'))?;
    if !rest.is_empty() {
        return Err(Problem::TextAfterHeader);
    }
    list.split(',').map(|text| mark(strip(text))).collect()
}

fn mark(text: &str) -> Result<Mark<'_>, Problem> {
    match text {
        "" => Err(Problem::Mark(String::new())),
        "!" => Ok(Mark::Template),
        "+" => Ok(Mark::Add(Among::Plain)),
        "+TEMPLATES=include" => Ok(Mark::Add(Among::All)),
        "+TEMPLATES=restrict" => Ok(Mark::Add(Among::Templates)),
        _ if text.starts_with('+') => Err(Problem::Mark(text.to_owned())),
        _ => Ok(Mark::Inherit(text)),
    }
}

fn directive(rest: &str) -> Result<Line<'_>, Problem> {
    let (word, file) = match rest.split_once(is_blank) {
        Some((word, file)) => (word, strip(file)),
        None => (rest, ""),
    };
    match word.to_ascii_lowercase().as_str() {
        "include" => included(file, true),
        "tryinclude" => included(file, false),
        "exec" => Err(Problem::Exec),
        _ => Err(Problem::Directive(format!("#{word}"))),
    }
}

fn included(file: &str, required: bool) -> Result<Line<'_>, Problem> {
    let file = match file.chars().next() {
        Some('"') => quoted(file, '"')?,
        Some('<') => quoted(file, '>')?,
        _ => file,
    };
    if file.is_empty() {
        return Err(Problem::FileName);
    }
    Ok(Line::Include { file, required })
}

fn quoted(file: &str, end: char) -> Result<&str, Problem> {
    let inner = file.get(1..).and_then(|inner| inner.strip_suffix(end));
    inner.ok_or(Problem::FileName)
}

/// A `\` before the first character makes `[`, `#` and `=` ordinary there.
fn option(line: &str) -> Result<Line<'_>, Problem> {
    let escaped = line.strip_prefix('\\');
    let line = escaped.unwrap_or(line);
    let sought_from = match (escaped, line.chars().next()) {
        (None, _) => 0,
        (Some(_), None) => return Err(Problem::Escape),
        (Some(_), Some(first)) if is_blank(first) => return Err(Problem::Escape),
        (Some(_), Some(first)) => first.len_utf8(),
    };
    let found = line[sought_from..].find('=').ok_or(Problem::NotAnOption)?;
    let (key, value) = (
        &line[..sought_from + found],
        &line[sought_from + found + 1..],
    );
    // The `+` belongs to the operator unless it is the escaped character.
    let appended = key.strip_suffix('+').filter(|_| found > 0);
    match appended {
        Some(key) => named(strip(key)).map(|key| Line::Append { key, value }),
        None => {
            let value = strip(value.strip_prefix('>').unwrap_or(value));
            named(strip(key)).map(|key| Line::Set { key, value })
        }
    }
}

fn named(key: &str) -> Result<&str, Problem> {
    if key.is_empty() {
        return Err(Problem::NoKey);
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set<'a>(key: &'a str, value: &'a str) -> Result<Line<'a>, Problem> {
        Ok(Line::Set { key, value })
    }

    #[test]
    fn options_in_all_their_spellings() {
        assert_eq!(read("a=b"), set("a", "b"));
        assert_eq!(read("a => b = c"), set("a", "b = c"));
        assert_eq!(read("a = > b"), set("a", "> b"));
        assert_eq!(read("a ="), set("a", ""));
        let (key, value) = ("a", " b");
        assert_eq!(read("a += b"), Ok(Line::Append { key, value }));
        assert_eq!(read("\\[a] = b"), set("[a]", "b"));
        assert_eq!(read("\\== b"), set("=", "b"));
        assert_eq!(read("\\+= b"), set("+", "b"));
        assert_eq!(read("\\"), Err(Problem::Escape));
        assert_eq!(read("\\ a = b"), Err(Problem::Escape));
        assert_eq!(read("= b"), Err(Problem::NoKey));
        assert_eq!(read("+= b"), Err(Problem::NoKey));
        assert_eq!(read("a"), Err(Problem::NotAnOption));
    }

    #[test]
    fn headers_and_their_marks() {
        let header = |name, marks: &[Mark<'static>]| {
            let marks = marks.to_vec();
            Ok(Line::Header { name, marks })
        };
        let plain = Mark::Add(Among::Plain);
        assert_eq!(read("[a]"), header("a", &[]));
        assert_eq!(read("[a](!)"), header("a", &[Mark::Template]));
        assert_eq!(read("[a](+, b)"), header("a", &[plain, Mark::Inherit("b")]));
        assert_eq!(
            read("[a](+TEMPLATES=include)"),
            header("a", &[Mark::Add(Among::All)])
        );
        assert_eq!(read("[a"), Err(Problem::HeaderNotClosed(']')));
        assert_eq!(read("[a](b"), Err(Problem::HeaderNotClosed(')')));
        assert_eq!(read("[a] (b)"), Err(Problem::TextAfterHeader));
        assert_eq!(read("[a](b) c"), Err(Problem::TextAfterHeader));
        assert_eq!(read("[]"), Err(Problem::SectionName));
        assert_eq!(read("[a]()"), Err(Problem::Mark(String::new())));
        assert_eq!(read("[a](+b)"), Err(Problem::Mark("+b".into())));
    }

    #[test]
    fn directives() {
        let include = |file, required| Ok(Line::Include { file, required });
        assert_eq!(read("#include \"a b\""), include("a b", true));
        assert_eq!(read("#INCLUDE <a>"), include("a", true));
        assert_eq!(read("#tryinclude a"), include("a", false));
        assert_eq!(read("#include \"a"), Err(Problem::FileName));
        assert_eq!(read("#include \""), Err(Problem::FileName));
        assert_eq!(read("#include"), Err(Problem::FileName));
        assert_eq!(read("#exec ls"), Err(Problem::Exec));
        assert_eq!(read("#if a"), Err(Problem::Directive("#if".into())));
    }
}
