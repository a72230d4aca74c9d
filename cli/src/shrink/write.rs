//! The files of a small plan: the plan, with what fails in comments, and a test that fails as long as the world does not.

use std::path::{Path, PathBuf};

use iaxproof_models::Design;
use iaxproof_sim::plan::Plan;
use iaxproof_sim::plan::token::TOKEN_PREFIX;
use iaxproof_sim::shrink::Shrunk;

use crate::error::Error;
use crate::sim::usual_place;

use super::ShrinkArgs;

/// Where the files are.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) plan: PathBuf,
    pub(super) test: PathBuf,
}

/// Writes both files.
///
/// # Errors
///
/// Where a folder cannot be made or a file not be written.
pub(super) fn write(args: &ShrinkArgs, from: &Plan, shrunk: &Shrunk) -> Result<Written, Error> {
    let usual = || usual_place().join(format!("{}.small.toml", name(args, from)));
    let plan = args.out.clone().unwrap_or_else(usual);
    let test = plan.with_extension("rs");
    if let Some(folder) = plan.parent().filter(|it| !it.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(Error::io("cannot make", folder))?;
    }
    let put = |path: &Path, text: String| {
        std::fs::write(path, text).map_err(Error::io("cannot write", path))
    };
    let text = plan_text(args.design, from, shrunk);
    put(
        &test,
        test_text(&function(&plan), args.design, shrunk, &text),
    )?;
    put(&plan, text)?;
    Ok(Written { plan, test })
}

/// As the file is called, or after its design and its seed.
fn name(args: &ShrinkArgs, from: &Plan) -> String {
    let file = Path::new(args.what.trim());
    match file.file_stem() {
        Some(stem) if !args.what.trim().starts_with(TOKEN_PREFIX) => stem.display().to_string(),
        _ => format!("{}-{}", args.design.name(), from.seed),
    }
}

/// The plan, with what fails.
fn plan_text(design: Design, from: &Plan, shrunk: &Shrunk) -> String {
    let mut said = vec![format!(
        "{} fails on {}:",
        shrunk.kind.property,
        design.name()
    )];
    said.extend(shrunk.message.lines().map(|line| format!("  {line}")));
    said.push(format!(
        "Shrunk from a world of seed {}: {shrunk}.",
        from.seed
    ));
    said.push(match shrunk.is_minimal {
        true => "1-minimal: each of these is needed.".to_owned(),
        false => "Not known to be minimal: the budget was used up.".to_owned(),
    });
    let comment: String = said
        .iter()
        .map(|line| format!("# {line}").trim_end().to_owned() + "\n")
        .collect();
    format!("{comment}\n{}", shrunk.plan)
}

/// A name for the test: the file's, in letters, digits and low lines.
fn function(plan: &Path) -> String {
    let stem = plan.file_stem().unwrap_or_default().display().to_string();
    let stem = stem.trim_end_matches(".small").to_lowercase();
    let plain = |it: char| if it.is_ascii_alphanumeric() { it } else { '_' };
    format!("world_{}", stem.chars().map(plain).collect::<String>())
}

/// A test that sees the property fail. It needs `iaxproof-models` and `iaxproof-sim`. One such is compiled and run among the tests of
/// `models`.
fn test_text(function: &str, design: Design, shrunk: &Shrunk, plan: &str) -> String {
    let property = &shrunk.kind.property;
    format!(
        "/// The world of this plan breaks `{property}`. When that is mended, this test fails: then expect `None`.\n\
         #[test]\n\
         fn {function}() {{\n    \
             use iaxproof_models::{{Design, world}};\n    \
             use iaxproof_sim::plan::Plan;\n    \
             use iaxproof_sim::report::View;\n\n    \
             let plan: Plan = PLAN.parse().expect(\"a plan of this build's schema\");\n    \
             let report = world::run(&plan, View::Hash, Design::{design:?});\n    \
             let failed = report.failure().map(|failure| failure.violation.property);\n    \
             assert_eq!(failed, Some({property:?}));\n\
         }}\n\n\
         const PLAN: &str = r###\"\n{plan}\"###;\n"
    )
}
