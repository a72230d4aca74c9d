//! Command lines of `iaxproof sim`, as words: other seeds, other options.

use std::ops::Range;

/// Whether the line sweeps worlds.
pub(super) fn is_sim(line: &[String]) -> bool {
    line.first().is_some_and(|word| word == "sim")
}

/// Whether the line sweeps worlds whose servers have threads.
pub(super) fn is_threaded_sim(line: &[String]) -> bool {
    is_sim(line) && line.iter().any(|word| word == "--threads")
}

/// The line over these seeds.
pub(super) fn over(line: &[String], seeds: &Range<u64>) -> Vec<String> {
    let seeds = format!("{}..{}", seeds.start, seeds.end);
    with(line, &["--seeds".to_owned(), seeds])
}

/// The line with these options, in place of those of the same name.
pub(super) fn with(line: &[String], options: &[String]) -> Vec<String> {
    let names = options.iter().filter(|word| word.starts_with("--"));
    let rest = names.fold(line.to_vec(), |line, option| {
        without(&line, option.split('=').next().unwrap_or_default())
    });
    [rest.as_slice(), options].concat()
}

/// The line without an option and its value.
pub(super) fn without(line: &[String], name: &str) -> Vec<String> {
    let is_value = |nth: usize| nth > 0 && line[nth - 1] == name && !line[nth].starts_with("--");
    let is_option = |word: &str| word.split('=').next() == Some(name);
    let words = line.iter().enumerate();
    words
        .filter(|(nth, word)| !is_option(word) && !is_value(*nth))
        .map(|(_, word)| word.clone())
        .collect()
}

/// The value of an option.
pub(super) fn value<'l>(line: &'l [String], name: &str) -> Option<&'l str> {
    let mut words = line.iter();
    let word = words.find(|word| word.split('=').next() == Some(name))?;
    match word.split_once('=') {
        Some((_, value)) => Some(value),
        None => words.next().map(String::as_str),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn an_option_goes_with_its_value_and_others_stay() {
        let line = words("sim --seeds 0..9 --threads --until-found --scheduler=pct --jobs 2");
        let changed = with(&line, &words("--scheduler random"));
        let changed = over(&without(&changed, "--until-found"), &(7..8));
        assert_eq!(
            changed.join(" "),
            "sim --threads --jobs 2 --scheduler random --seeds 7..8"
        );
        assert_eq!(value(&line, "--scheduler"), Some("pct"));
        assert_eq!(value(&line, "--jobs"), Some("2"));
        assert_eq!(value(&line, "--design"), None);
        assert!(is_threaded_sim(&line) && !is_threaded_sim(&words("prove --threads")));
    }
}
