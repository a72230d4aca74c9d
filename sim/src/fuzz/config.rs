//! Any octets as the files of a configuration: reading is total and bounded, a refusal is precise, and what is accepted comes
//! into force whole.
//!
//! The octets are cut at [`NEXT_FILE`]: the first part is the file itself, the others are `1`, `2` .. which it may include.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use iaxproof::catalog::{Catalog, CatalogOptions, Kind};
use iaxproof::config::{
    self, Document, ERRORS_MAX, LINE_OCTETS_MAX, Outcome, Parsed, Place, Refusal,
    SECTION_SETTINGS_MAX, Source,
};
use iaxproof::engine::directory::{Directory, Lookup, TokenKey};
use iaxproof::engine::settings::{Configuration, Host};
use iaxproof::registry::{HashKey, Std};

use super::stranger::KEPT_OUT;

/// What stands between two files: no text of a configuration holds it.
pub const NEXT_FILE: u8 = 0x1c;

/// Reads the octets as a configuration. A refusal must name lines that are there; an accepted configuration must keep the
/// limits, account for every option, and come into force such that each of its entries is found with its own settings.
///
/// # Panics
///
/// Where one of these does not hold: a defect of `config` or of the catalog.
pub fn config(octets: &[u8]) {
    let files = files(octets);
    let first = Source {
        name: FIRST.to_owned(),
        octets: files.get(FIRST).cloned().unwrap_or_default(),
    };
    match config::read(first.clone(), &files) {
        Ok(parsed) => {
            let document = Document::read(first, &files).expect("it was accepted");
            keeps_limits(&document);
            accounts(&parsed, &document, &files);
            comes_into_force(parsed);
        }
        Err(refusal) => is_precise(&refusal, &files),
    }
}

/// The file that is read; it cannot be included.
const FIRST: &str = "0";

type Files = BTreeMap<String, Vec<u8>>;

fn files(octets: &[u8]) -> Files {
    let parts = octets.split(|octet| *octet == NEXT_FILE).enumerate();
    parts
        .map(|(number, part)| (number.to_string(), part.to_vec()))
        .collect()
}

fn is_precise(refusal: &Refusal, files: &Files) {
    let count = refusal.0.len();
    assert!((1..=ERRORS_MAX).contains(&count), "{count} errors");
    for error in &refusal.0 {
        is_there(&error.place, files);
        is_one_line(&error.to_string());
    }
}

fn is_there(place: &Place, files: &Files) {
    let octets = files.get(&place.file).expect("a file that was read");
    let lines = octets.split(|octet| *octet == b'\n').count();
    assert!((1..=lines as u32).contains(&place.line), "no line {place}");
}

fn is_one_line(text: &str) {
    assert!(
        !text.is_empty() && !text.chars().any(char::is_control),
        "not one line: {text:?}"
    );
}

fn keeps_limits(document: &Document) {
    for section in document.sections() {
        assert!(section.settings().len() <= SECTION_SETTINGS_MAX);
        let longest = section
            .settings()
            .iter()
            .map(|setting| setting.value().len());
        assert!(longest.max().unwrap_or(0) <= LINE_OCTETS_MAX);
    }
}

/// Each option that was read is told of, once for each line, and nothing else is.
fn accounts(parsed: &Parsed, document: &Document, files: &Files) {
    for found in &parsed.options {
        is_there(&found.place, files);
        is_one_line(&found.to_string());
    }
    let settings = document
        .sections()
        .iter()
        .flat_map(|section| section.settings());
    let read: BTreeSet<&str> = settings.map(|setting| setting.key()).collect();
    let told: BTreeSet<&str> = parsed.options.iter().map(|found| &*found.option).collect();
    assert_eq!(read, told, "options that were read, and that are told of");
    guards(parsed, document);
}

/// Each line of an access list that is said to work says whom it lets in: one that says nothing would let everybody in.
fn guards(parsed: &Parsed, document: &Document) {
    let settings = document
        .sections()
        .iter()
        .flat_map(|section| section.settings());
    let works = |place: &Place| {
        let mut options = parsed.options.iter();
        options.any(|found| found.place == *place && found.outcome == Outcome::Works)
    };
    let guards = settings.filter(|it| is_guard(it.key()) && works(&document.place_of(it)));
    for guard in guards {
        let place = document.place_of(guard);
        assert!(
            guard.value().split(',').all(is_range),
            "{KEPT_OUT}: {place}: {} of nobody is taken for a guard",
            guard.key()
        );
    }
}

fn is_guard(key: &str) -> bool {
    ["permit", "deny"]
        .iter()
        .any(|guard| guard.eq_ignore_ascii_case(key))
}

/// Whether a text is an address, alone or with a number of bits or a mask behind a slash.
fn is_range(text: &str) -> bool {
    let text = text.trim();
    let range = text.strip_prefix('!').unwrap_or(text);
    let is_address = |part: &str| part.trim().parse::<IpAddr>().is_ok();
    match range.split_once('/') {
        None => is_address(range),
        Some((address, mask)) => {
            let is_bits = mask.trim().parse::<u8>().is_ok();
            is_address(address) && (is_bits || is_address(mask))
        }
    }
}

fn comes_into_force(mut parsed: Parsed) {
    assert!(!parsed.serving.bind.is_empty());
    let general = &parsed.configuration.general;
    assert!(general.registration_min <= general.registration_max);
    assert!(!general.capability.is_empty());
    parsed.resolve(|_| Some([192, 0, 2, 1].into()));
    assert!(parsed.unresolved.is_empty());
    let catalog = catalog();
    catalog.reload(parsed.configuration.clone());
    all_found(&catalog, &parsed.configuration);
    catalog.reload(Configuration::default());
    assert!(catalog.general().serial == 0 && !finds_any(&catalog, &parsed.configuration));
}

fn catalog() -> Catalog<Std> {
    Catalog::new(CatalogOptions {
        hash_key: HashKey(1, 2),
        shards: 4,
        container: Kind::Hash,
        token_key: TokenKey([7; 32]),
        database: false,
        dialogues_max: 32_766,
        ledger: Default::default(),
    })
}

fn all_found(catalog: &Catalog<Std>, configuration: &Configuration) {
    for entry in &configuration.entries {
        let Lookup::Found(handle) = catalog.find(entry.role, entry.name.as_str()) else {
            panic!("{:?} {} is not found", entry.role, entry.name);
        };
        let snapshot = catalog.settings(&handle).expect("the entry is held");
        let is_own = catalog.read(&snapshot, |settings| {
            settings.general == configuration.general && settings.secrets == entry.secrets
        });
        assert_eq!(is_own, Ok(true), "the settings of {}", entry.name);
        if let Host::Fixed(address) = entry.host {
            let contact = catalog.contact(&handle, Default::default());
            let contact = contact.expect("the entry is held");
            assert_eq!(contact.map(|contact| contact.address), Some(address));
        }
    }
}

fn finds_any(catalog: &Catalog<Std>, configuration: &Configuration) -> bool {
    let mut entries = configuration.entries.iter();
    entries.any(|entry| {
        let found = catalog.find(entry.role, entry.name.as_str());
        !matches!(found, Lookup::Unknown)
    })
}
