//! The syntax of `iax.conf` case by case, its limits, and that any text is either read or refused at one of its lines.

use crate::bench::*;
use iaxproof::config::{
    self, COMMENT_DEPTH_MAX, Document, ERRORS_MAX, INCLUDE_DEPTH_MAX, LINE_OCTETS_MAX,
    SECTION_SETTINGS_MAX, SECTIONS_MAX,
};
use proptest::prelude::*;

#[test]
fn options_keep_their_order_and_may_come_again() {
    let text = "[a]\nx = 1\ny => 2\nx=3\nX = 4 ; comment\nz = a\\;b = c\n\n[b]\nx =\n";
    assert_eq!(sections(text), ["[a] x=1 y=2 x=3 X=4 z=a;b = c", "[b] x="]);
}

#[test]
fn blanks_and_line_ends_of_any_system_are_passed_over() {
    let text = "\u{feff}  [a] \r\n\t x  =\t 1  2 \r\n\r\n";
    assert_eq!(sections(text), ["[a] x=1  2"]);
    assert_eq!(sections(""), [""; 0]);
}

#[test]
fn comments_in_blocks_span_lines_and_nest() {
    let text = "[a];-- x\n[b]\n;-- inner --; still\nx = 1\n--; x = 2\ny = 3 ;--- one line\nz ;-- in the middle --;= 4\n";
    assert_eq!(sections(text), ["[a] x=2 y=3 z=4"]);
}

#[test]
fn a_template_comes_first_and_the_own_lines_last() {
    let text = "[a](!)\nx = a\ny = a\n[b](!,a)\nx = b\n[c](A,b)\nx = c\n[d](c)\n";
    let inherited = "x=a y=a x=a y=a x=b";
    assert_eq!(
        sections(text),
        [
            "[a](!) x=a y=a".to_owned(),
            "[b](!) x=a y=a x=b".to_owned(),
            format!("[c] {inherited} x=c"),
            format!("[d] {inherited} x=c"),
        ]
    );
}

#[test]
fn a_section_inherits_what_was_there_when_it_began() {
    let text = "[a](!)\nx = 1\n[b](a)\n[a](+TEMPLATES=include)\nx = 2\n[c](a)\n";
    assert_eq!(sections(text), ["[a](!) x=1 x=2", "[b] x=1", "[c] x=1 x=2"]);
}

#[test]
fn a_section_goes_on() {
    let text = "[t](!)\nt = 0\n[a]\nx = 1\n[b]\ny = 2\n[A](+)\nx = 3\n[a](t,+)\n[a](+,t)\nx = 4\n";
    assert_eq!(
        sections(text),
        ["[t](!) t=0", "[a] x=1 x=3 t=0 t=0 x=4", "[b] y=2"]
    );
    // Among sections of one name, a template is passed over.
    let text = "[a](!)\n[a]\n[a](+)\nx = 1\n[a](+TEMPLATES=restrict)\nx = 2\n";
    assert_eq!(sections(text), ["[a](!) x=2", "[a] x=1"]);
}

#[test]
fn a_value_is_lengthened() {
    let text = "[t](!)\nx = a\n[b](t)\nx += b\nx +=c\nX += d\ny += e\nx = f\nx += =g\n";
    assert_eq!(sections(text), ["[t](!) x=a", "[b] x=a bc X=d y=e x=f =g"]);
}

#[test]
fn an_included_file_goes_on_where_it_is_included() {
    let text = "[a]\nx = 1\n#include \"b\"\nx = 4\n#tryinclude <nosuch>\n#include c\n";
    let files = [("b", "x = 2\n[b]\nx = 3\n"), ("c", "y = 5\n")];
    // The second file goes on with the section of the first: its header was the last.
    let read = Document::read(source("iax.conf", text), &folder(&files)).unwrap();
    assert_eq!(show(&read), ["[a] x=1 x=2 x=4", "[b] x=3 y=5"]);
    assert_eq!(read.files(), ["iax.conf", "b", "c"]);
}

#[test]
fn limits_are_kept() {
    let whole =
        |text: &str| Document::read(source("iax.conf", text), &chain(INCLUDE_DEPTH_MAX)).is_ok();
    let long = |len: usize| format!("[a]\nx={}\n", "v".repeat(len - 2));
    assert!(whole(&long(LINE_OCTETS_MAX)) && !whole(&long(LINE_OCTETS_MAX + 1)));
    let sections = |n: usize| "[a]\n".repeat(n);
    assert!(whole(&sections(SECTIONS_MAX)) && !whole(&sections(SECTIONS_MAX + 1)));
    let options = |n: usize| format!("[a]\n{}", "x=\n".repeat(n));
    assert!(whole(&options(SECTION_SETTINGS_MAX)) && !whole(&options(SECTION_SETTINGS_MAX + 1)));
    let comments = |n: usize| format!("{}{}", ";-- ".repeat(n), "--; ".repeat(n));
    assert!(whole(&comments(COMMENT_DEPTH_MAX)) && !whole(&comments(COMMENT_DEPTH_MAX + 1)));
    // The file itself is the first of those that include each other.
    assert!(whole("#include 1") && !whole("#include 0"));
    // Each header doubles what it inherits.
    let doubling = |n: usize| format!("[a]\nx=\n{}", "[a](+,a)\n".repeat(n));
    assert!(whole(&doubling(13)) && !whole(&doubling(14)));
    assert!(refusal("x\n[a\n").lines().count() == 2);
    assert_eq!(refusal(&"x\n".repeat(100)).lines().count(), ERRORS_MAX);
}

/// Section names, keys and values that mean something, so that more than syntax is tried.
fn pieces() -> impl Strategy<Value = String> {
    let words = [
        "[general]",
        "[a]",
        "[b](!)",
        "[c](a,b)",
        "[a](+)",
        "\n",
        "\n",
        "\n",
        " = ",
        " += ",
        "=>",
        ";",
        ";--",
        "--;",
        "\\",
        "#include ",
        "#exec x",
        "\"",
        "type",
        "friend",
        "peer",
        "host",
        "dynamic",
        "allow",
        "disallow",
        "all",
        "ulaw",
        "secret",
        "qualify",
        "yes",
        "no",
        "register",
        "u:p@h",
        "permit",
        "10.0.0.0/8",
        "callerid",
        "1",
        "60000",
        "ü",
        "\r",
        "\t",
        "self",
    ];
    let word = proptest::sample::select(words.to_vec());
    let piece = (0..9, word, ".{0,4}").prop_map(|(choice, word, any)| match choice {
        0 => any,
        _ => word.to_owned(),
    });
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Names that need no escape, and values that begin and end without blanks.
fn written() -> impl Strategy<Value = Vec<(String, Vec<(String, String)>)>> {
    let option = ("[a-zA-Z]{1,6}", "([!-~]([ -~]{0,8}[!-~])?)?");
    let options = proptest::collection::vec(option, 0..5);
    proptest::collection::vec(("[a-zA-Z0-9 .@_-]{1,8}", options), 0..6)
}

proptest! {
    #[test]
    fn any_octets_are_read_or_refused_at_one_of_their_lines(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        is_read_or_refused(octets);
    }

    #[test]
    fn any_text_is_read_or_refused_at_one_of_its_lines(text in pieces()) {
        is_read_or_refused(text.into_bytes());
    }

    #[test]
    fn what_was_written_reads_back(sections in written()) {
        let mut text = String::new();
        let mut shown = Vec::new();
        for (name, options) in &sections {
            text += &format!("[{name}]\n");
            let mut line = format!("[{name}]");
            for (key, value) in options {
                // `=>` is one way to write `=`.
                text += &format!("{key} = {}\n", value.replace(';', "\\;"));
                line += &format!(" {key}={value}");
            }
            shown.push(line);
        }
        // A backslash before a semicolon cannot be written.
        prop_assume!(!text.contains("\\\\;"));
        prop_assert_eq!(show(&Document::read(source("iax.conf", &text), &folder(&[])).unwrap()), shown);
    }
}

fn is_read_or_refused(octets: Vec<u8>) {
    let lines = octets.split(|octet| *octet == b'\n').count() as u32;
    let source = config::Source {
        name: "iax.conf".to_owned(),
        octets,
    };
    match config::read(source, &folder(&[("self", "#include self")])) {
        Ok(parsed) => assert!(
            parsed
                .options
                .iter()
                .all(|found| (1..=lines).contains(&found.place.line))
        ),
        Err(refusal) => {
            assert!((1..=ERRORS_MAX).contains(&refusal.0.len()));
            let mut places = refusal.0.iter().map(|error| &error.place);
            assert!(
                places.all(|place| place.file == "self" || (1..=lines).contains(&place.line)),
                "{refusal}"
            );
        }
    }
}
