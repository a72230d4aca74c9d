//! Which format a call gets, by what both sides can and wish: chan_iax2's `codecpriority` (X-CALL-6).
//!
//! | `codecpriority` | first | then |
//! | --- | --- | --- |
//! | `host` | the first of our wishes that both can | the first of the caller's; without CODEC PREFS the best that both can |
//! | `caller` | the first of the caller's wishes that both can | the first of ours |
//! | `disabled` | the FORMAT that was asked for, if we can | the best that both can |
//! | `reqonly` | the FORMAT that was asked for, if we can | none |
//!
//! Only audio is negotiated. As in chan_iax2 the last two rows do not ask whether FORMAT is among the caller's CAPABILITY.

use crate::engine::settings::{CodecPriority, Settings};
use crate::wire::{Format, FormatSet, InformationElements};

/// From best to worst (chan_iax2).
const BEST: [Format; 19] = [
    Format::ULAW,
    Format::ALAW,
    Format::G719,
    Format::SIREN14,
    Format::SIREN7,
    Format::G722,
    Format::SLIN16,
    Format::SLIN,
    Format::G726,
    Format::G726_AAL2,
    Format::ADPCM,
    Format::GSM,
    Format::ILBC,
    Format::SPEEX16,
    Format::SPEEX,
    Format::OPUS,
    Format::LPC10,
    Format::G729,
    Format::G723,
];

/// What a NEW says of formats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    capability: FormatSet,
    format: FormatSet,
    /// CODEC PREFS, the most wanted first; `None` where it was not there.
    preferences: Option<Vec<Format>>,
}

/// What we can and wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ours<'a> {
    priority: CodecPriority,
    capability: FormatSet,
    preferences: &'a [Format],
}

impl<'a> Ours<'a> {
    /// A user's formats; those of everybody where it names none.
    pub(super) fn of(settings: &'a Settings) -> Self {
        let general = &settings.general;
        let (capability, preferences) = match settings.capability.is_empty() {
            true => (general.capability, &general.preferences),
            false => (settings.capability, &settings.preferences),
        };
        Ours {
            priority: settings.codec_priority,
            capability,
            // Who wishes nothing in particular wishes for the best.
            preferences: match preferences.is_empty() {
                true => &BEST,
                false => preferences,
            },
        }
    }
}

impl Wanted {
    /// CAPABILITY, FORMAT and CODEC PREFS; who names no CAPABILITY can do its FORMAT alone.
    pub(super) fn of(ies: InformationElements<'_>) -> Self {
        let format = ies.format_mask().unwrap_or_default();
        let preferences = ies.codec_prefs();
        Wanted {
            capability: ies.capability().unwrap_or(format),
            format,
            preferences: preferences.map(|prefs| prefs.formats().collect()),
        }
    }

    /// The format to accept, if any can be agreed on.
    pub(super) fn choose(&self, ours: Ours<'_>) -> Option<Format> {
        let common = ours.capability & self.capability;
        let asked = || best(self.format & ours.capability);
        let our_wish = || first(ours.preferences, common);
        match (ours.priority, &self.preferences) {
            (CodecPriority::Host, Some(theirs)) => our_wish().or_else(|| first(theirs, common)),
            (CodecPriority::Host, None) => our_wish().or_else(|| best(common)),
            (CodecPriority::Caller, Some(theirs)) => first(theirs, common).or_else(our_wish),
            (CodecPriority::Caller, None) => our_wish(),
            (CodecPriority::Disabled, _) => asked().or_else(|| best(common)),
            (CodecPriority::RequestedOnly, _) => asked(),
        }
    }
}

/// The first of these wishes that is possible.
fn first(wishes: &[Format], possible: FormatSet) -> Option<Format> {
    let mut audio = wishes.iter().filter(|format| BEST.contains(format));
    audio.find(|format| possible.contains(**format)).copied()
}

fn best(possible: FormatSet) -> Option<Format> {
    first(&BEST, possible)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{CodecPrefs, IeBuffer, InformationElement};

    fn set(formats: &[Format]) -> FormatSet {
        formats.iter().fold(FormatSet::EMPTY, |set, format| {
            set | FormatSet::from(*format)
        })
    }

    const PRIORITIES: [CodecPriority; 4] = [
        CodecPriority::Host,
        CodecPriority::Caller,
        CodecPriority::Disabled,
        CodecPriority::RequestedOnly,
    ];

    /// A NEW that says so.
    fn asks(capability: &[Format], format: Format, letters: Option<&[u8]>) -> Wanted {
        let mut ies = IeBuffer::new();
        if let Some(letters) = letters {
            ies.push(InformationElement::CodecPrefs(CodecPrefs(letters)));
        }
        ies.push(InformationElement::Format2(format.into()));
        if !capability.is_empty() {
            ies.push(InformationElement::Capability2(set(capability)));
        }
        Wanted::of(ies.view())
    }

    /// X-CALL-6: four rows, each with eight callers, against `allow = gsm, ulaw, alaw` with the wishes gsm, ulaw.
    #[test]
    fn the_whole_table() {
        const GSM: Format = Format::GSM;
        const ULAW: Format = Format::ULAW;
        const ALAW: Format = Format::ALAW;
        const G729: Format = Format::G729;
        const ALL: [Format; 3] = [GSM, ULAW, ALAW];
        let callers = [
            ("all, wishes alaw ulaw", asks(&ALL, ALAW, Some(b"ED"))),
            ("all, no wishes", asks(&ALL, ALAW, None)),
            ("alaw, wishes it", asks(&[ALAW], ALAW, Some(b"E"))),
            ("alaw, no wishes", asks(&[ALAW, G729], G729, None)),
            ("alaw, wishes g729", asks(&[ALAW, G729], G729, Some(b"J"))),
            ("no capability", asks(&[], ALAW, Some(b"CDE"))),
            ("gsm, format ulaw", asks(&[GSM], ULAW, None)),
            ("g729", asks(&[G729], G729, Some(b"J"))),
        ];
        let mut table = String::new();
        for priority in PRIORITIES {
            for (name, asks) in &callers {
                let ours = Ours {
                    priority,
                    capability: set(&ALL),
                    preferences: &[GSM, ULAW],
                };
                let chosen = asks.choose(ours);
                let chosen = chosen.map_or("REJECT".to_owned(), |format| format.to_string());
                table += &format!("{priority:?}, {name}: {chosen}\n");
            }
        }
        insta::assert_snapshot!(table);
    }

    /// Whatever is asked, the chosen format is audio, is ours, and but for the two rows that follow FORMAT also theirs.
    #[test]
    fn a_choice_is_one_that_can_be_kept() {
        let few = [Format::GSM, Format::ULAW, Format::H264, Format::G729];
        let subsets = || {
            (0..16_u32).map(|bits| {
                let chosen = (0..4).filter(|i| bits & (1 << i) != 0);
                chosen.map(|i| few[i]).collect::<Vec<_>>()
            })
        };
        for (theirs, wishes) in subsets().flat_map(|a| subsets().map(move |b| (a.clone(), b))) {
            for (mine, priority) in subsets().flat_map(|a| PRIORITIES.map(|p| (a.clone(), p))) {
                let wanted = Wanted {
                    capability: set(&theirs),
                    format: set(&wishes),
                    preferences: Some(wishes.clone()),
                };
                let ours = Ours {
                    priority,
                    capability: set(&mine),
                    preferences: &few,
                };
                let Some(format) = wanted.choose(ours) else {
                    continue;
                };
                assert!(BEST.contains(&format) && mine.contains(&format));
                let follows_format = matches!(
                    priority,
                    CodecPriority::Disabled | CodecPriority::RequestedOnly
                );
                assert!(theirs.contains(&format) || follows_format && wishes.contains(&format));
            }
        }
    }

    #[test]
    fn formats_of_everybody_stand_in_for_a_user_that_names_none() {
        let name = crate::engine::settings::Name::new("a").unwrap();
        let role = crate::engine::directory::Role::User;
        let mut settings = Settings::new(role, name);
        let general = settings.general.clone();
        assert_eq!(Ours::of(&settings).capability, general.capability);
        assert_eq!(Ours::of(&settings).preferences, general.preferences);
        settings.capability = Format::GSM.into();
        assert_eq!(Ours::of(&settings).capability, Format::GSM.into());
        assert_eq!(Ours::of(&settings).preferences, BEST);
        settings.preferences = vec![Format::GSM];
        assert_eq!(Ours::of(&settings).preferences, [Format::GSM]);
    }
}
