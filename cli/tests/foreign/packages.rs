//! Asterisk as Debian's unstable suite has it: packages fetched by apt with a configuration of the test's own, and unpacked below the
//! target folder. Nothing is installed, and nothing that is installed changes. It runs with the loader and the libraries that came with it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const SOURCE: &str = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian unstable main\n";

/// A program and what it needs to run.
#[derive(Clone, Debug)]
pub(crate) struct Unpacked {
    /// What would be `/`.
    root: PathBuf,
    /// Libraries, by the name of their architecture.
    libraries: PathBuf,
    loader: PathBuf,
}

impl Unpacked {
    /// Its command of this path.
    pub(crate) fn command(&self, path: &str) -> Command {
        let mut command = Command::new(&self.loader);
        command
            .arg("--library-path")
            .arg(&self.libraries)
            .arg(self.root.join(path));
        command
    }

    /// Where its loadable modules are.
    pub(crate) fn modules(&self) -> PathBuf {
        self.libraries.join("asterisk/modules")
    }

    /// Where its documentation is, which it reads as it starts.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join("usr/share/asterisk")
    }
}

/// Asterisk; why not, where it was not asked for or cannot be had.
pub(crate) fn asterisk() -> Result<Unpacked, String> {
    static ONCE: OnceLock<Result<Unpacked, String>> = OnceLock::new();
    if std::env::var_os("ASTERISK").is_none_or(|it| it != "1") {
        return Err("it is for ASTERISK=1".to_owned());
    }
    ONCE.get_or_init(|| had(&PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("asterisk")))
        .clone()
}

/// From the folder of an earlier run, or fetched.
fn had(folder: &Path) -> Result<Unpacked, String> {
    let root = folder.join("root");
    if !root.is_dir() {
        fetch(folder)?;
        // All or nothing: a run that is stopped leaves no half of it.
        fs::rename(folder.join("new"), &root).map_err(|error| error.to_string())?;
    }
    let libraries = only(&root.join("usr/lib"), |name| name.ends_with("-linux-gnu"))?;
    let loader = only(&libraries, |name| name.starts_with("ld-linux"))?;
    Ok(Unpacked {
        root,
        libraries,
        loader,
    })
}

/// The entry of a folder whose name is such.
fn only(folder: &Path, is_it: impl Fn(&str) -> bool) -> Result<PathBuf, String> {
    let named = |path: &PathBuf| path.file_name().and_then(OsStr::to_str).is_some_and(&is_it);
    let found = entries(folder).into_iter().find(named);
    found.ok_or_else(|| format!("{} does not have what was expected", folder.display()))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map_while(Result::ok).map(|it| it.path()).collect();
    paths.sort();
    paths
}

/// Downloads Asterisk with all that it depends on, down to the C library, and unpacks it into the folder `new`.
fn fetch(folder: &Path) -> Result<(), String> {
    let apt = folder.join("apt");
    let unpacked = folder.join("new");
    let _ = fs::remove_dir_all(&unpacked);
    for folder in [
        apt.join("lists/partial"),
        apt.join("archives/partial"),
        unpacked.clone(),
    ] {
        fs::create_dir_all(folder).unwrap();
    }
    let configuration = apt.join("apt.conf");
    fs::write(apt.join("sources.list"), SOURCE).unwrap();
    // Nothing counts as installed, so that everything is fetched.
    fs::write(apt.join("status"), "").unwrap();
    fs::write(&configuration, apt_conf(&apt)).unwrap();
    let apt_get = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        done(command.env("APT_CONFIG", &configuration).args(arguments))
    };
    apt_get(&["--quiet", "update"])?;
    apt_get(&["--quiet", "--yes", "--download-only", "install", "asterisk"])?;
    for package in entries(&apt.join("archives")) {
        if package.extension() == Some(OsStr::new("deb")) {
            done(
                Command::new("dpkg-deb")
                    .arg("--extract")
                    .args([&package, &unpacked]),
            )?;
        }
    }
    Ok(())
}

fn apt_conf(apt: &Path) -> String {
    let apt = apt.display();
    format!(
        "Dir::State \"{apt}\";\nDir::State::status \"{apt}/status\";\nDir::State::lists \"{apt}/lists\";\n\
         Dir::Cache \"{apt}\";\nDir::Cache::archives \"{apt}/archives\";\n\
         Dir::Etc::sourcelist \"{apt}/sources.list\";\nDir::Etc::sourceparts \"/dev/null\";\n\
         Dir::Etc::preferencesparts \"/dev/null\";\nAPT::Install-Recommends \"false\";\n\
         APT::Sandbox::User \"\";\nAcquire::Languages \"none\";\n"
    )
}

/// Runs it to its end; the last line of what it complained of, where it was not done.
fn done(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{name}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{name}: {}",
            said.lines().last().unwrap_or("no reason")
        )),
    }
}
