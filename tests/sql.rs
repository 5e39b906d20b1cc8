//! SQL on the engine alone: statements among commands on keys, leases, reads.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use rootcellar::batch::{Batch, BatchOutcome, Command, Stop};
use rootcellar::engine::sqlite::{Begin, Engine, Lease, LeaseKind, LeaseRequest, RowsPart, RowsReply, SqlRead};
use rootcellar::kv::{Address, Entry};
use rootcellar::sql::{
    Cancel, CancelReason, Format, Integers, Job, Parameters, RowsWanted, Statement, Value, Work,
};
use rootcellar::{Error, Reply};

const NOW_MS: i64 = 1_700_000_000_000;

fn engine() -> (tempfile::TempDir, Engine) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(&folder.path().join("a.sqlite3")).unwrap();
    assert_eq!(execute(&engine, vec![sql("CREATE TABLE t (a TEXT UNIQUE)")]).committed, 1);
    (folder, engine)
}

fn statement(sql: &str, values: &[&str]) -> Statement {
    let values = values.iter().map(|value| Value::Text((*value).to_owned())).collect();
    let parameters = Parameters::Positional(values);
    Statement { sql: sql.to_owned(), parameters, rows: None, may_lack_rows: false, is_internal: false }
}

fn sql(text: &str) -> Command {
    Command::Sql(Job::new(Work::One(statement(text, &[]))))
}

fn insert(value: &str) -> Command {
    Command::Sql(Job::new(Work::One(statement("INSERT INTO t VALUES (?)", &[value]))))
}

fn execute(engine: &Engine, commands: Vec<Command>) -> BatchOutcome {
    engine.execute(Batch::new(commands, NOW_MS))
}

/// The rows of a query, as JSON.
fn read(engine: &Engine, text: &str, cancel: Option<Arc<Cancel>>) -> Result<String, Error> {
    let rows =
        RowsWanted { format: Format::Array, integers: Integers::Numbers, first_only: false, max: usize::MAX };
    let statement = Statement { rows: Some(rows), ..statement(text, &[]) };
    let (send, received) = mpsc::channel::<Result<RowsPart, Error>>();
    let reply = RowsReply::new(move |part| send.send(part).unwrap());
    engine.read(vec![SqlRead::Rows(statement, cancel, reply)], || ());
    let mut json = String::new();
    loop {
        let RowsPart { slice, took } = received.recv().unwrap()?;
        json.push_str(&slice.json);
        if took.is_some() {
            return Ok(json);
        }
    }
}

/// Asks for a lease. Gives the means to use it, and where its end is reported.
fn lease(engine: &Engine, kind: LeaseKind, idle: Duration) -> (Sender<LeaseRequest>, Receiver<Result<(), Error>>) {
    let (send, started) = mpsc::channel();
    let (end, ended) = mpsc::channel();
    engine.lease(Lease {
        kind,
        idle_limit: idle,
        cancel: Arc::default(),
        started: Reply::new(move |result| send.send(result).unwrap()),
        ended: Reply::new(move |result| drop(end.send(result))),
    });
    (started.recv().unwrap().unwrap(), ended)
}

fn run_in(lease: &Sender<LeaseRequest>, commands: Vec<Command>) -> BatchOutcome {
    let (send, received) = mpsc::channel();
    let reply = Reply::new(move |result| send.send(result).unwrap());
    lease.send(LeaseRequest::Batch(Batch::new(commands, NOW_MS), reply)).unwrap();
    received.recv().unwrap().unwrap()
}

fn end(lease: &Sender<LeaseRequest>, commit: bool) -> Result<(), Error> {
    let (send, received) = mpsc::channel();
    lease.send(LeaseRequest::End(commit, Reply::new(move |result| send.send(result).unwrap()))).unwrap();
    received.recv().unwrap()
}

const TRANSACTION: LeaseKind = LeaseKind::Transaction(Begin::Immediate);
const LONG: Duration = Duration::from_secs(60);

#[test]
fn statements_and_keys_share_a_batch_which_ends_at_the_first_that_fails() {
    let (_folder, engine) = engine();
    let set = || Command::Set(Entry::new(Address::new("k"), "1"));
    let outcome = execute(&engine, vec![insert("a"), set(), insert("a"), insert("b")]);
    assert_eq!(outcome.committed, 2);
    assert_eq!(outcome.statements.len(), 1);
    assert_eq!(outcome.statements[0].changes, 1);
    let Some(Stop::Command(error)) = outcome.stopped else { panic!("{:?}", outcome.stopped) };
    assert_eq!(error.code(), "SQLITE_CONSTRAINT_UNIQUE");
    assert_eq!(read(&engine, "SELECT a FROM t", None).unwrap(), r#"[["a"]]"#);
}

#[test]
fn a_statement_that_needs_to_be_alone_says_so_and_runs_alone() {
    let (_folder, engine) = engine();
    let outcome = execute(&engine, vec![insert("a"), sql("VACUUM"), insert("b")]);
    assert!(matches!((outcome.committed, outcome.stopped), (1, Some(Stop::Alone))));
    let (send, received) = mpsc::channel();
    let job = Job::new(Work::One(statement("VACUUM", &[])));
    engine.submit_alone(job, Reply::new(move |result| send.send(result).unwrap()));
    assert_eq!(received.recv().unwrap().unwrap().committed, 1);
}

#[test]
fn a_transaction_keeps_others_out_until_it_ends() {
    let (_folder, engine) = engine();
    let (transaction, ended) = lease(&engine, TRANSACTION, LONG);
    assert_eq!(run_in(&transaction, vec![insert("inside")]).committed, 1);
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            barrier.wait();
            assert_eq!(execute(&engine, vec![sql("INSERT INTO t SELECT a || ', too' FROM t")]).committed, 1);
        });
        barrier.wait();
        assert_eq!(read(&engine, "SELECT a FROM t", None).unwrap(), "[]");
        end(&transaction, true).unwrap();
    });
    assert!(ended.recv().unwrap().is_ok());
    assert_eq!(read(&engine, "SELECT a FROM t", None).unwrap(), r#"[["inside"],["inside, too"]]"#);
}

#[test]
fn a_lease_that_is_idle_or_dropped_is_rolled_back() {
    let (_folder, engine) = engine();
    let (idle, ended) = lease(&engine, TRANSACTION, Duration::from_secs(5));
    run_in(&idle, vec![insert("idle")]);
    assert_eq!(ended.recv().unwrap().unwrap_err().code(), "ERR_TRANSACTION_TIMEOUT");
    let (dropped, ended) = lease(&engine, LeaseKind::Reserved, LONG);
    run_in(&dropped, vec![sql("BEGIN"), insert("dropped"), sql("PRAGMA ignore_check_constraints = ON")]);
    drop(dropped);
    assert!(ended.recv().unwrap().is_ok());
    assert_eq!(execute(&engine, vec![insert("after")]).committed, 1);
    assert_eq!(read(&engine, "SELECT a FROM t", None).unwrap(), r#"[["after"]]"#);
}

#[test]
fn a_transaction_that_sqlite_rolled_back_commits_nothing() {
    let (_folder, engine) = engine();
    execute(&engine, vec![insert("a")]);
    let (transaction, _ended) = lease(&engine, TRANSACTION, LONG);
    run_in(&transaction, vec![insert("lost"), sql("INSERT OR ROLLBACK INTO t VALUES ('a')")]);
    let outcome = run_in(&transaction, vec![insert("late")]);
    let Some(Stop::Command(error)) = outcome.stopped else { panic!("{:?}", outcome.stopped) };
    assert_eq!(error.code(), "ERR_TRANSACTION_LOST");
    assert_eq!(end(&transaction, true).unwrap_err().code(), "ERR_TRANSACTION_LOST");
    assert_eq!(read(&engine, "SELECT a FROM t", None).unwrap(), r#"[["a"]]"#);
}

#[test]
fn an_endless_read_is_cancelled() {
    let (_folder, engine) = engine();
    let cancel = Arc::new(Cancel::default());
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    thread::scope(|scope| {
        let running = scope.spawn(|| read(&engine, endless, Some(Arc::clone(&cancel))));
        thread::sleep(Duration::from_millis(50));
        cancel.cancel(CancelReason::Aborted);
        assert_eq!(running.join().unwrap().unwrap_err().code(), "ABORT_ERR");
    });
}
