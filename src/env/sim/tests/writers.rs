//! Writers with the bugs that real stores had: the model shows them.

use super::*;
use crate::env::fs::replace;
use crate::env::sync::Mutex;
use std::io;

/// How many states of all crashes of a workload break its promise.
fn violations(
    sector: SectorSize,
    workload: impl Fn(&SimDisk, &Mutex<u8>) -> io::Result<()>,
    holds: impl Fn(&SimDisk, u8) -> bool + Send + Sync + 'static,
) -> usize {
    let disk = SimDisk::new(sector);
    disk.put(&path("value"), &[0; 1000]).unwrap();
    let promised = Arc::new(Mutex::new(0));
    let found = Arc::new(Mutex::new(0));
    let (known, count) = (Arc::clone(&promised), Arc::clone(&found));
    let check = move |disk: &SimDisk| {
        let promised = *known.lock();
        let point = disk.crash_point();
        for choices in point.explore(200, 1) {
            *count.lock() += usize::from(!holds(&point.crash(&choices), promised));
        }
    };
    let check = Arc::new(check);
    let hook = Arc::clone(&check);
    disk.on_boundary(move |disk, _| hook(disk));
    workload(&disk, &promised).unwrap();
    check(&disk);
    *found.lock()
}

/// A log of ten sectors, one for each number that was promised.
fn appends(ack_first: bool) -> usize {
    let workload = move |disk: &SimDisk, promised: &Mutex<u8>| {
        let file = disk.open(&path("log"), Mode::Create)?;
        file.sync()?;
        disk.sync_dir(Path::new("/d"))?;
        for number in 1..=10 {
            write_all_at(&*file, &[number; 512], u64::from(number - 1) * 512)?;
            if ack_first {
                *promised.lock() = number;
            }
            file.sync()?;
            *promised.lock() = number;
        }
        Ok(())
    };
    violations(SectorSize::Bytes512, workload, |disk, promised| {
        (1..=promised).all(|number| {
            let log = bytes(disk, "log");
            let start = usize::from(number - 1) * 512;
            log.get(start..start + 512) == Some(&[number; 512][..])
        })
    })
}

#[test]
fn a_writer_that_promises_before_it_syncs_is_caught() {
    assert_eq!(appends(false), 0);
    assert!(appends(true) > 0);
}

/// A value that is replaced five times: the parts of `replace` in turn.
#[derive(Clone, Copy, PartialEq)]
enum Forgets {
    Nothing,
    FileSync,
    DirectorySync,
    ToUseATemporary,
}

fn replaces(forgets: Forgets) -> usize {
    let one = move |disk: &SimDisk, value: &[u8]| {
        if forgets == Forgets::Nothing {
            return replace(disk, Path::new("/d"), "value", value);
        }
        let name = match forgets {
            Forgets::ToUseATemporary => path("value"),
            _ => path("value.tmp"),
        };
        let file = disk.open(&name, Mode::Create)?;
        write_all_at(&*file, value, 0)?;
        if forgets != Forgets::FileSync {
            file.sync()?;
        }
        if forgets != Forgets::ToUseATemporary {
            disk.rename(&name, &path("value"))?;
        }
        if forgets != Forgets::DirectorySync {
            disk.sync_dir(Path::new("/d"))?;
        }
        Ok(())
    };
    let workload = move |disk: &SimDisk, promised: &Mutex<u8>| {
        for number in 1..=5 {
            one(disk, &[number; 1000])?;
            *promised.lock() = number;
        }
        Ok(())
    };
    let holds = |disk: &SimDisk, promised: u8| {
        let value = disk.bytes(&path("value")).unwrap_or_default();
        let number = value.first().copied().unwrap_or(0);
        value == [number; 1000] && number >= promised
    };
    violations(SectorSize::Bytes512, workload, holds)
}

#[test]
fn a_writer_that_forgets_a_part_of_replacing_is_caught() {
    assert_eq!(replaces(Forgets::Nothing), 0);
    assert!(replaces(Forgets::FileSync) > 0);
    assert!(replaces(Forgets::DirectorySync) > 0);
    assert!(replaces(Forgets::ToUseATemporary) > 0);
}

#[test]
fn a_writer_that_repeats_a_failed_sync_is_caught() {
    let retries = |rewrites: bool| {
        let workload = move |disk: &SimDisk, promised: &Mutex<u8>| {
            let file = disk.open(&path("value"), Mode::Write)?;
            disk.fail(FaultRule::new(Fault::Io, 1).of_kind(CallKind::Sync));
            write_all_at(&*file, &[1; 1000], 0)?;
            while file.sync().is_err() {
                if rewrites {
                    write_all_at(&*file, &[1; 1000], 0)?;
                }
            }
            assert_eq!(disk.fired().len(), 1);
            *promised.lock() = 1;
            Ok(())
        };
        violations(SectorSize::Bytes4096, workload, |disk, promised| {
            promised == 0 || bytes(disk, "value") == [1; 1000]
        })
    };
    assert_eq!(retries(true), 0);
    assert!(retries(false) > 0);
}
