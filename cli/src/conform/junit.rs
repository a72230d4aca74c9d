//! The same report as a JUnit file, for what draws such files: a suite for each section, and a case for each check. JUnit
//! knows no warnings: a case that warns passes, and says so in `system-out`.

use super::check::Verdict;
use super::run::Judged;
use super::show::Report;

/// The whole file.
pub(super) fn xml(report: &Report) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out += &format!(
        "<testsuites name=\"iaxproof conform\" {}>\n",
        counts(&report.checks)
    );
    for suite in report
        .checks
        .chunk_by(|a, b| a.check.section() == b.check.section())
    {
        let section = suite[0].check.section();
        out += &format!(
            "  <testsuite name=\"{}\" {}>\n",
            escaped(section),
            counts(suite)
        );
        suite.iter().for_each(|judged| case(&mut out, judged));
        out += "  </testsuite>\n";
    }
    out += "</testsuites>\n";
    out
}

fn counts(checks: &[Judged]) -> String {
    let of = |verdict| checks.iter().filter(|it| it.verdict == verdict).count();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        checks.len(),
        of(Verdict::Fail),
        of(Verdict::Broke),
        of(Verdict::Skipped)
    )
}

fn case(out: &mut String, judged: &Judged) {
    let check = judged.check;
    *out += &format!(
        "    <testcase classname=\"{}\" name=\"{} {}\" time=\"{:.3}\"",
        escaped(check.section()),
        escaped(check.id),
        escaped(check.statement),
        judged.seconds
    );
    let reason = escaped(judged.reason.as_deref().unwrap_or_default());
    let frames = escaped(&judged.frames.join("\n"));
    *out += &match judged.verdict {
        Verdict::Pass => "/>\n".to_owned(),
        Verdict::Skipped => within(&format!("<skipped message=\"{reason}\"/>")),
        Verdict::Warning => within(&format!(
            "<system-out>warning: {reason}\n{frames}\n</system-out>"
        )),
        Verdict::Fail => within(&format!(
            "<failure message=\"{reason}\">\n{frames}\n</failure>"
        )),
        Verdict::Broke => within(&format!("<error message=\"{reason}\">\n{frames}\n</error>")),
    };
}

fn within(what: &str) -> String {
    format!(">\n      {what}\n    </testcase>\n")
}

/// Text that may stand in XML: what must not be there at all becomes a question mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_does_not_allow_is_escaped() {
        assert_eq!(
            escaped("a<b> & \"c\"\u{1b}"),
            "a&lt;b&gt; &amp; &quot;c&quot;?"
        );
    }
}
