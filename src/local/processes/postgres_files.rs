//! PostgreSQL's programs, and the freshly initialised cluster that each server starts as a copy of.
//!
//! Owns [`Installations`]: one [`Template`] per major version and run, because `initdb` takes longer than a copy.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use super::account::{Account, local};
use super::archive::{self, run_to_end};
use super::workspace::Workspace;
use crate::error::{Error, Kind, Result};
use crate::local::Progress;

/// Superuser of every cluster.
pub(super) const SUPERUSER: &str = "postgres";

/// Programs and an initialised cluster of one major version.
#[derive(Debug)]
pub(super) struct Template {
    /// Major version.
    pub(super) major: u16,
    /// Version and where it came from, for people.
    pub(super) description: String,
    programs: PathBuf,
    data: PathBuf,
}

/// The templates of a run.
#[derive(Debug, Default)]
pub(super) struct Installations(Mutex<HashMap<u16, Arc<Template>>>);

impl Installations {
    /// The template of a major version, made at the first call.
    pub(super) fn template(&self, major: u16, workspace: &Workspace, progress: &Progress) -> Result<Arc<Template>> {
        // Held while it is made, so that two callers do not make it twice.
        let mut templates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(template) = templates.get(&major) {
            return Ok(Arc::clone(template));
        }
        let template = Arc::new(Template::make(major, workspace, progress)?);
        templates.insert(major, Arc::clone(&template));
        Ok(template)
    }
}

impl Template {
    fn make(major: u16, workspace: &Workspace, progress: &Progress) -> Result<Self> {
        let (programs, description) = find_programs(major, workspace, progress)?;
        let data = workspace.path(&format!("template-{major}"));
        workspace
            .make_directory(&data, 0o700)
            .map_err(|error| local("cannot make a directory for PostgreSQL", error))?;
        let template = Self { major, description, programs, data };
        let mut initdb = template.command("initdb", workspace.account());
        initdb.arg("-D").arg(&template.data).args([
            "--username",
            SUPERUSER,
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
        ]);
        let _step = progress.step(&format!("initialising {}", template.description));
        let logs = workspace.path(&format!("initdb-{major}"));
        fs::create_dir(&logs).map_err(|error| local("cannot make a directory for PostgreSQL", error))?;
        run_to_end(initdb, &logs, &format!("initdb of {} failed", template.description))?;
        Ok(template)
    }

    /// A program of this version, run under the servers' account and with nothing of our environment.
    pub(super) fn command(&self, program: &str, account: Option<Account>) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC").current_dir("/");
        if let Some(account) = account {
            account.run(&mut command);
        }
        command
    }

    /// Copies the initialised cluster to `data`, which the servers' account then owns.
    pub(super) fn copy_to(&self, data: &Path, account: Option<Account>) -> io::Result<()> {
        copy_tree(&self.data, data, &mut |from, to| {
            fs::copy(from, to)?;
            account.map_or(Ok(()), |account| account.own(to))
        })?;
        account.map_or(Ok(()), |account| own_directories(data, account))
    }
}

/// The folder with `initdb` and `postgres`: an installed one of this major version, else one that is fetched.
fn find_programs(major: u16, workspace: &Workspace, progress: &Progress) -> Result<(PathBuf, String)> {
    // Debian's place, then that of the PostgreSQL project's RPMs.
    let installed = [format!("/usr/lib/postgresql/{major}/bin"), format!("/usr/pgsql-{major}/bin")];
    for directory in installed.iter().map(Path::new) {
        if directory.join("initdb").is_file() && directory.join("postgres").is_file() {
            return Ok((directory.to_owned(), format!("PostgreSQL {major} of {}", directory.display())));
        }
    }
    let Some(archive) = archive::postgres(major) else {
        return Err(Error::new(Kind::Local, format!("PostgreSQL {major} is neither installed nor can it be fetched"))
            .detail(format!("no archive is recorded for {}", std::env::consts::ARCH))
            .hint(format!("install it (`apt-get install postgresql-{major}`), or run a Docker daemon")));
    };
    let fetched = archive.fetch(progress)?;
    let description = format!("PostgreSQL {major} (fetched)");
    match workspace.account() {
        Some(account) if !account.reaches(&fetched.join("bin")) => {
            // Root's cache is closed to the servers' account, so the run gets its own tree. Hard links make it
            // cheap; where the cache lies on another file system, it is a copy.
            let tree = workspace.path(&format!("postgres-{major}"));
            copy_tree(&fetched, &tree, &mut |from, to| {
                fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(|_| ()))
            })
            .map_err(|error| local("cannot copy PostgreSQL to where its account can reach it", error))?;
            Ok((tree.join("bin"), description))
        }
        _ => Ok((fetched.join("bin"), description)),
    }
}

/// Copies directories and symbolic links, and leaves the files to `file`.
fn copy_tree(from: &Path, to: &Path, file: &mut impl FnMut(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    if !to.exists() {
        fs::create_dir(to)?;
        fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&source, &target, file)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else {
            file(&source, &target)?;
        }
    }
    Ok(())
}

fn own_directories(directory: &Path, account: Account) -> io::Result<()> {
    account.own(directory)?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            own_directories(&entry.path(), account)?;
        }
    }
    Ok(())
}
