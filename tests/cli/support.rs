//! Running the binary.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Longer than anything here takes, on the slowest machine.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// The sample that stands in the project.
pub(crate) const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/careers.jsonl.gz");

/// A directory of a test's own, and a place for a store in it.
pub(crate) struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Place {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// A place with a store that holds these lines.
    pub(crate) fn with(lines: &str) -> Self {
        let place = Place::new();
        place.import(&["-"], lines).succeeds();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("store")
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// `annals COMMAND STORE ARGS...`
    pub(crate) fn run(&self, command: &str, args: &[&str]) -> Ran {
        self.run_with(command, args, "")
    }

    pub(crate) fn run_with(&self, command: &str, args: &[&str], stdin: impl AsRef<[u8]>) -> Ran {
        let mut all = vec![command, self.dir_text()];
        all.extend(args);
        run(&all, stdin.as_ref())
    }

    pub(crate) fn import(&self, args: &[&str], stdin: impl AsRef<[u8]>) -> Ran {
        self.run_with("import", args, stdin)
    }

    pub(crate) fn export(&self, args: &[&str]) -> String {
        self.run("export", args).succeeds().stdout
    }

    /// The events of the store, as objects.
    pub(crate) fn events(&self) -> Vec<Value> {
        objects(&self.export(&[]))
    }

    /// Starts `annals COMMAND STORE ARGS...` and leaves it running.
    pub(crate) fn start(&self, command: &str, args: &[&str]) -> Running {
        Running::start(&self.store(), command, args)
    }

    fn dir_text(&self) -> &str {
        // The path of the store; leaked, because a test has few of them.
        Box::leak(self.store().to_str().unwrap().to_owned().into_boxed_str())
    }
}

/// What a run of the binary ended with.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn from(output: Output) -> Self {
        Ran {
            status: output.status.code().expect("ended by a signal"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.status, 0, "{}", self.stderr);
        self
    }

    /// Ends with this status and says all of this on stderr.
    #[track_caller]
    pub(crate) fn fails(self, status: i32, said: &[&str]) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        for part in said {
            assert!(
                self.stderr.contains(part),
                "{part:?} is not in {}",
                self.stderr
            );
        }
        if status == 1 {
            assert!(self.stderr.starts_with("annals: "), "{}", self.stderr);
        }
        self
    }
}

pub(crate) fn annals() -> Command {
    Command::new(env!("CARGO_BIN_EXE_annals"))
}

/// Runs the binary with this on stdin. Whether it reads all of that is its own
/// business.
pub(crate) fn run(args: &[&str], stdin: &[u8]) -> Ran {
    let mut child = annals()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || drop(input.write_all(stdin)));
        Ran::from(child.wait_with_output().unwrap())
    })
}

/// A run of the binary that goes on. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    pub(crate) fn start(store: &Path, command: &str, args: &[&str]) -> Self {
        let mut child = annals()
            .arg(command)
            .arg(store)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Running { child, lines }
    }

    /// Writes to its stdin, which stays open.
    pub(crate) fn write(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// The next line of its stdout, which must come while it runs.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(LONG).expect("no line came")
    }

    /// Closes its stdin and waits for the end.
    pub(crate) fn end(mut self) -> Ran {
        drop(self.child.stdin.take());
        self.wait()
    }

    /// Waits for the end, with stdin left open.
    pub(crate) fn wait(mut self) -> Ran {
        let stdin = self.child.stdin.take();
        let mut stderr = self.child.stderr.take().unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
        let status = self.child.wait().unwrap();
        drop(stdin);
        Ran {
            status: status.code().expect("ended by a signal"),
            stdout: self.lines.iter().map(|line| line + "\n").collect(),
            stderr: said,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A line that `import` takes.
pub(crate) fn line(stream: &str, event_type: &str, data: &str) -> String {
    let (stream, event_type) = (Value::from(stream), Value::from(event_type));
    format!("{{\"stream\":{stream},\"type\":{event_type},\"data\":{data}}}\n")
}

/// Each line as an object.
pub(crate) fn objects(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The text between the data's key and the key after it, as it is written.
#[track_caller]
pub(crate) fn data_text(line: &str) -> &str {
    let start = line.find(r#","data":"#).unwrap() + 8;
    line[start..].trim_end().strip_suffix('}').unwrap()
}

/// The text of a gzip file.
pub(crate) fn unpacked(path: &str) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    let mut reader = flate2::read::GzDecoder::new(file);
    std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
    text
}
