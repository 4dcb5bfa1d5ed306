//! What wants a process of its own: opening, memory, and being killed.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::store::{At, Durability, Event, Rival, Sum};
use crate::stores;

/// What a child that opens a store tells.
pub struct Opened {
    pub milliseconds: f64,
    /// Anonymous memory that the store took, in MiB.
    pub memory_open: f64,
    pub memory_read: Option<f64>,
    pub events: Option<u64>,
}

const TELLS: &str = "annals-rivals: ";

fn anonymous() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kibibytes
        .context("/proc/self/status tells no RssAnon")?
        .parse::<f64>()?
        / 1024.0)
}

/// In the child: opens the store, and reads all of it if asked to.
pub fn open(name: &str, path: &Path, read: bool) -> Result<()> {
    let rival = find(name)?;
    let before = anonymous()?;
    let began = Instant::now();
    let store = (rival.open)(path)?;
    let milliseconds = began.elapsed().as_secs_f64() * 1e3;
    let memory = anonymous()? - before;
    let mut told = format!("{milliseconds} {memory}");
    if read && rival.can.all {
        let mut sum = Sum::default();
        store.read_all(&mut sum)?;
        told += &format!(" {} {}", anonymous()? - before, sum.events);
    }
    store.close()?;
    println!("{TELLS}{told}");
    Ok(())
}

/// In the child: appends, and is killed in the midst of it.
pub fn kill(name: &str, path: &Path, events: u32) -> Result<()> {
    let rival = find(name)?;
    let store = (rival.open)(path)?;
    let durability = rival.can.least();
    store.prepare(durability)?;
    let (data, run) = ([b'x'; 200], std::process::id());
    let event = Event {
        id: [7; 16],
        kind: "killed",
        metadata: &[b'm'; 32],
        data: &data,
    };
    let batch = vec![event; 100];
    for number in 0..events / 100 {
        let stream = format!("killed/{run}-{number}");
        let number = (1 << 30) + (run % 10_000) * 100_000 + number;
        let at = At {
            stream: &stream,
            number,
            version: 0,
            position: 0,
        };
        store.append(at, &batch, durability)?;
    }
    // SAFETY: a signal to this very process.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    bail!("still alive")
}

/// In the child: so many durable appends of one event, to be watched with strace.
pub fn append(name: &str, path: &Path, appends: u32) -> Result<()> {
    let rival = find(name)?;
    if !rival.can.durable {
        bail!("{name} has no way to be durable");
    }
    let store = (rival.open)(path)?;
    store.prepare(Durability::Durable)?;
    let event = Event {
        id: [7; 16],
        kind: "watched",
        metadata: b"",
        data: &[b'x'; 200],
    };
    for number in 0..appends {
        let stream = format!("watched/{number}");
        let event = Event {
            id: u128::from(number).to_le_bytes(),
            ..event
        };
        let at = At {
            stream: &stream,
            number,
            version: 0,
            position: 0,
        };
        store.append(at, &[event], Durability::Durable)?;
    }
    store.close()
}

fn find(name: &str) -> Result<Rival> {
    let found = stores::all().into_iter().find(|rival| rival.name == name);
    found.with_context(|| format!("no store is named {name}"))
}

fn command(rival: &Rival, path: &Path) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("--child")
        .arg(rival.name)
        .arg("--directory")
        .arg(path);
    Ok(command)
}

/// Opens the store in a process of its own.
pub fn opened(rival: &Rival, path: &Path, read: bool) -> Result<Opened> {
    let mut command = command(rival, path)?;
    if read {
        command.arg("--child-reads");
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    let told = told
        .lines()
        .find_map(|line| line.strip_prefix(TELLS))
        .with_context(|| format!("{} did not open: {}", rival.name, output.status))?;
    let told = told
        .split(' ')
        .map(str::parse)
        .collect::<Result<Vec<f64>, _>>()?;
    Ok(Opened {
        milliseconds: told[0],
        memory_open: told[1],
        memory_read: told.get(2).copied(),
        events: told.get(3).map(|&events| events as u64),
    })
}

/// Lets a process append so many events and be killed.
pub fn killed(rival: &Rival, path: &Path, events: u32) -> Result<()> {
    let mut command = command(rival, path)?;
    let status = command
        .arg("--child-dies")
        .arg(events.to_string())
        .stdout(Stdio::null())
        .status()?;
    if std::os::unix::process::ExitStatusExt::signal(&status) != Some(libc::SIGKILL) {
        bail!("{} was to be killed, but ended with {status}", rival.name);
    }
    Ok(())
}
