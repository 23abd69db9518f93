//! The Java command line that the broker and Connect share.

use std::path::Path;
use std::process::Command;

use crate::cache::kafka_home;
use crate::folder::Folder;
use crate::{Context, Result};

const LOG4J: &str = include_str!("../../../scripts/services/log4j2.properties");

/// How the JVM compiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Jvm {
    /// First compiler only, one collector thread: up soonest and least CPU taken from what is tested.
    #[default]
    QuickStart,
    /// Java's own defaults, for measurements.
    Throughput,
}

/// `java` with Kafka's jars, running `class`; `archive` names the class archive that setup made for it.
pub(crate) fn java(class: &str, archive: &str, jvm: Jvm, heap_mb: u32, folder: &Folder) -> Result<Command> {
    let home = kafka_home()?;
    let log4j = folder.write("log4j2.properties", LOG4J).context("log settings")?;
    let mut command = Command::new("java");
    command.arg(format!("-Xmx{heap_mb}m"));
    if jvm == Jvm::QuickStart {
        command.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
    }
    let archive = home.join(archive);
    if archive.exists() {
        command.arg(format!("-XX:SharedArchiveFile={}", archive.display()));
    }
    // A JVM that cannot use the archive says so in many lines and runs on.
    command.args(["-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]);
    command.arg(format!("-Dlog4j2.configurationFile=file:{}", log4j.display()));
    command.arg("-cp").arg(classpath(&home)).arg(class).current_dir(folder.path());
    Ok(command)
}

fn classpath(home: &Path) -> String {
    format!("{}/libs/*", home.display())
}
