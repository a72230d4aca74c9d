//! Lists of things that reports name: an enum with all of its values and a text for each.

/// `NAME: ONE = "text"; ...`.
macro_rules! worded {
    ($(#[$about:meta])* $enum:ident: $($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $enum {
            $($(#[$doc])* $name,)*
        }

        impl $enum {
            /// Every one.
            pub const ALL: &'static [$enum] = &[$($enum::$name),*];

            /// It in words.
            pub const fn text(self) -> &'static str {
                match self {
                    $($enum::$name => $text,)*
                }
            }
        }
    };
}

pub(crate) use worded;
