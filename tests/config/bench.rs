//! What the tests of the configuration share: files in memory, and what was read as short texts.

use std::collections::BTreeMap;

use iaxproof::config::{self, Document, Parsed, Source};
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::Settings;

pub(crate) fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        octets: text.as_bytes().to_vec(),
    }
}

pub(crate) fn folder(files: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let file = |(name, text): &(&str, &str)| ((*name).to_owned(), text.as_bytes().to_vec());
    files.iter().map(file).collect()
}

/// Files `0`, `1` .. of which each includes the next.
pub(crate) fn chain(count: usize) -> BTreeMap<String, Vec<u8>> {
    let text = |n: usize| match n + 1 == count {
        true => String::new(),
        false => format!("#include {}", n + 1),
    };
    let files = (0..count).map(|n| (n.to_string(), text(n).into_bytes()));
    files.collect()
}

pub(crate) fn read(text: &str) -> Parsed {
    config::read(source("iax.conf", text), &folder(&[])).expect("an accepted text")
}

pub(crate) fn refusal(text: &str) -> String {
    let refused = config::read(source("iax.conf", text), &folder(&[]));
    refused.expect_err("a refused text").to_string()
}

/// `[a](!) x=1 y=2` for each section.
pub(crate) fn sections(text: &str) -> Vec<String> {
    let read = Document::read(source("iax.conf", text), &folder(&[]));
    show(&read.expect("an accepted text"))
}

pub(crate) fn show(document: &Document) -> Vec<String> {
    let section = |section: &config::document::Section| {
        let mark = if section.is_template() { "(!)" } else { "" };
        let settings = section.settings().iter();
        let settings = settings.map(|setting| format!(" {}={}", setting.key(), setting.value()));
        format!("[{}]{mark}{}", section.name(), settings.collect::<String>())
    };
    document.sections().iter().map(section).collect()
}

pub(crate) fn entry<'a>(parsed: &'a Parsed, role: Role, name: &str) -> &'a Settings {
    let is_it = |entry: &&Settings| entry.role == role && entry.name.as_str() == name;
    let found = parsed.configuration.entries.iter().find(is_it);
    found.expect("an entry of this name")
}

/// A line for each option.
pub(crate) fn options(parsed: &Parsed) -> String {
    let line = |found: &config::Found| format!("{found} ({})\n", found.entries);
    parsed.options.iter().map(line).collect()
}

/// What an entry says that is not chan_iax2's default, a line for each.
pub(crate) fn said(entry: &Settings) -> String {
    let default = Settings::new(entry.role, entry.name.clone());
    let mut text = format!("{:?} {}\n", entry.role, entry.name);
    macro_rules! fields {
        ($($field:ident)*) => {$(
            if entry.$field != default.$field {
                text += &format!("    {}: {:?}\n", stringify!($field), entry.$field);
            }
        )*};
    }
    fields!(secrets methods encryption host default_address username access call_token
        dialogues_per_ip_max auth_requests_max capability preferences codec_priority contexts extensions
        trunk transfer qualify caller_id language carried);
    text
}

/// Texts that are refused, each for one reason.
pub(crate) const WRONG: &[&str] = &[
    "x = 1",
    "[a]\nnonsense",
    "[a]\nsecret hunter2",
    "[a]\n= 1",
    "[a]\n\\",
    "[a",
    "[]",
    "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]",
    "[a] (b)",
    "[a](!) b",
    "[a](b",
    "[a]()\nx",
    "[a](+b)",
    "[a](b)",
    "[a](+)",
    "[a](!)\n[a](+)",
    "[a]\n#exec /bin/true",
    "#if",
    "#include",
    "#include \"a",
    ";-- a\n\n;-- b --;",
    "a --; b",
    "[a]\nx = \0",
    "[general]\n[a]\n[General]",
    "[a]\ntype=user\n[b]\ntype=friend\n[a]\ntype=friend",
    "[a]\ntype=phone",
    "[general]\nbindport=65536\nbindaddr=here\npingtime=0\nmaxregexpire=1m\nmaxregexpire=65536",
    "[general]\ndelayreject=maybe\nautokill=soon\ntransfer=video\nencryption=rot13\ncodecpriority=guest",
    "[general]\ntrunkmtu=100\ntrunkfreq=5\nmaxcallnumbers=0\ncalltokenoptional=10/8\nrtautoclear=never",
    "[general]\nallow=ulaw,vorbis\nbandwidth=huge\nauth=none",
    "[general]\nallow=ulaw\ndisallow=all",
    "[general]\nregister => me:hunter2@\nregister = hunter2",
    "[callnumberlimits]\n10.0.0.0/33 = 5\n10.0.0.0/8 = many",
    "[a](!)\ntype=friend\nqualify=-5\nqualifyfreqok=1\n[b](a)\n[c](a)",
    "[a]\ntype=peer\nhost=192.0.2.256\nport=x\ndefaultip=here",
    "[a]\ntype=user\npermit=10.0.0.0/8,ten\nrequirecalltoken=perhaps\nmaxauthreq=-1",
    "[a]\ntype=user\ndisallow=all",
    "[a]\ntype=user\ncontext=cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
    "[a]\ntype=friend\nauth=rsa\ninkeys=k\nacl=office",
    "[a]\ntype=user\ndbsecret=family/hunter2",
];
