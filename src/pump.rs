//! Calls AWS from a backend.
//!
//! One thread per backend owns the tokio runtime, made at the first call. It is started with all signals blocked, so
//! that neither it nor the threads it starts (for DNS) ever run a Postgres signal handler, and it makes no Postgres
//! call. The backend's own thread waits for it in short slices; between slices it is plain backend code: it emits
//! progress, writes the journal and looks at interrupts.

use crate::memory;
use crate::report::Problem;
use futures::future::LocalBoxFuture;
use iasql_aws::read::News;
use iasql_aws::run::Progress;
use iasql_aws::session::{Session, Settings};
use iasql_aws::writer::Stop;
use iasql_engine::journal::Record;
use pgrx::pg_sys;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};

const SLICE: Duration = Duration::from_millis(20);

/// What a call says to the backend while it goes on.
pub enum Message {
    /// Something to tell the user.
    Progress(Progress),
    /// How a reading goes on.
    News(News),
    /// Records to make durable, and where to say whether they are.
    Journal(Vec<Record>, oneshot::Sender<bool>),
}

/// The AWS sessions of this backend, on the AWS thread.
#[derive(Default)]
pub struct Sessions(RefCell<HashMap<Settings, Rc<Session>>>);

impl Sessions {
    /// The session of these settings, made at first use.
    pub async fn get(&self, settings: &Settings) -> Rc<Session> {
        let known = self.0.borrow().get(settings).cloned();
        match known {
            Some(session) => session,
            None => {
                let session = Rc::new(Session::new(settings).await);
                self.0
                    .borrow_mut()
                    .insert(settings.clone(), Rc::clone(&session));
                session
            }
        }
    }

    /// Forgets the session of these settings, so that the next one looks for credentials anew.
    pub fn forget(&self, settings: &Settings) {
        self.0.borrow_mut().remove(settings);
    }
}

/// What a call is given to talk to the backend.
#[derive(Clone)]
pub struct Line {
    say: mpsc::Sender<Said>,
    /// Whether the call is to stop.
    pub stop: Stop,
}

/// What is said on a [`Line`]; the answer itself goes another way, with its own type.
enum Said {
    Message(Message),
    Answered,
}

impl Line {
    /// Says something to the backend.
    pub fn say(&self, message: Message) {
        // Nobody listens any more when the backend has given the call up.
        let _ = self.say.send(Said::Message(message));
    }
}

type Job = Box<dyn FnOnce(Rc<Sessions>) -> LocalBoxFuture<'static, ()> + Send>;

/// Does what a call says. A failure ends the wait for its answer.
pub type Serve<'a> = &'a mut dyn FnMut(Message) -> Result<(), Problem>;

/// What an interrupt does to a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OnInterrupt {
    /// The call only reads: it is dropped at once.
    Drop,
    /// The call changes the cloud: it is told to stop and given some time to end what has left.
    Finish {
        /// How long.
        grace: Duration,
    },
}

/// Runs a call on the AWS thread and waits for its answer.
pub fn call<T: Send + 'static>(
    on_interrupt: OnInterrupt,
    work: impl FnOnce(Rc<Sessions>, Line) -> LocalBoxFuture<'static, T> + Send + 'static,
    serve: Serve<'_>,
) -> Result<T, Problem> {
    start(on_interrupt, work)?.answer(serve)
}

/// Starts a call on the AWS thread. The backend may do something else before it waits for the answer.
pub fn start<T: Send + 'static>(
    on_interrupt: OnInterrupt,
    work: impl FnOnce(Rc<Sessions>, Line) -> LocalBoxFuture<'static, T> + Send + 'static,
) -> Result<Call<T>, Problem> {
    let (say, said) = mpsc::channel();
    let (answer, answered) = mpsc::channel();
    let (stop, stopping) = watch::channel(false);
    let (give_up, given_up) = oneshot::channel::<()>();
    let line = Line {
        say: say.clone(),
        stop: Stop::new(stopping),
    };
    let job: Job = Box::new(move |sessions| {
        Box::pin(async move {
            tokio::select! {
                value = work(sessions, line) => {
                    let _ = answer.send(value);
                    let _ = say.send(Said::Answered);
                }
                // The backend dropped its end: it no longer waits for the answer.
                _ = given_up => {}
            }
        })
    });
    submit(job)?;
    Ok(Call {
        said,
        answered,
        stop,
        on_interrupt,
        _give_up: give_up,
    })
}

/// A call that goes on. It ends when this is dropped.
pub struct Call<T> {
    said: Receiver<Said>,
    answered: Receiver<T>,
    stop: watch::Sender<bool>,
    on_interrupt: OnInterrupt,
    _give_up: oneshot::Sender<()>,
}

impl<T> Call<T> {
    /// Waits for the answer, and serves what the call says meanwhile.
    pub fn answer(self, serve: Serve<'_>) -> Result<T, Problem> {
        self.serve(serve)?;
        self.answered.recv().map_err(|_| Problem::AwsThreadDied)
    }

    fn serve(&self, serve: Serve<'_>) -> Result<(), Problem> {
        let mut deadline = None;
        loop {
            match self.said.recv_timeout(SLICE) {
                Ok(Said::Message(message)) => serve(message)?,
                Ok(Said::Answered) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(Problem::AwsThreadDied),
            }
            self.look_at_interrupts(&mut deadline);
        }
    }

    fn look_at_interrupts(&self, deadline: &mut Option<Instant>) {
        match self.on_interrupt {
            OnInterrupt::Finish { grace } if wants_to_stop() => {
                let deadline = *deadline.get_or_insert_with(|| {
                    let _ = self.stop.send(true);
                    Instant::now() + grace
                });
                if Instant::now() >= deadline {
                    pgrx::check_for_interrupts!();
                }
            }
            _ => {
                pgrx::check_for_interrupts!();
            }
        }
    }
}

/// Whether the user or the server wants this backend to stop, or the client is gone.
fn wants_to_stop() -> bool {
    // SAFETY: flags that signal handlers set, read on the thread that they are set for.
    unsafe {
        is_set(&raw const pg_sys::InterruptPending)
            && (is_set(&raw const pg_sys::QueryCancelPending)
                || is_set(&raw const pg_sys::ProcDiePending)
                || is_set(&raw const pg_sys::ClientConnectionLost)
                || is_set(&raw const pg_sys::CheckClientConnectionPending)
                    && !pq_check_connection())
    }
}

/// # Safety
/// The flag is one of Postgres's, read on the thread that its signal handlers set it for.
unsafe fn is_set(flag: *const pg_sys::sig_atomic_t) -> bool {
    // SAFETY: see above.
    unsafe { flag.read_volatile() != 0 }
}

unsafe extern "C-unwind" {
    /// Postgres's own look whether the client is still there, which pgrx has no binding for. To service the interrupt
    /// would do the same and end the backend at once.
    fn pq_check_connection() -> bool;
}

thread_local! {
    static JOBS: RefCell<Option<UnboundedSender<Job>>> = const { RefCell::new(None) };
}

fn submit(job: Job) -> Result<(), Problem> {
    JOBS.with_borrow_mut(|jobs| {
        let sender = match jobs {
            Some(sender) if !sender.is_closed() => sender,
            _ => jobs.insert(start_thread()?),
        };
        sender.send(job).map_err(|_| Problem::AwsThreadDied)
    })
}

/// Starts the AWS thread with all signals blocked: a thread inherits the mask of the one that starts it.
fn start_thread() -> Result<UnboundedSender<Job>, Problem> {
    memory::keep_little();
    let (sender, mut jobs) = unbounded_channel::<Job>();
    let mut before: libc::sigset_t = empty_set();
    let mut all: libc::sigset_t = empty_set();
    // SAFETY: both sets are valid; the mask of this thread is restored right after the start.
    unsafe {
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
    }
    let started = std::thread::Builder::new()
        .name("iasql aws".to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(2)
                .build();
            if let Ok(runtime) = runtime {
                let sessions = Rc::new(Sessions::default());
                let local = tokio::task::LocalSet::new();
                local.block_on(&runtime, async {
                    while let Some(job) = jobs.recv().await {
                        tokio::task::spawn_local(job(Rc::clone(&sessions)));
                    }
                });
            }
        });
    // SAFETY: `before` is what pthread_sigmask stored above.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
    }
    match started {
        Ok(_) => Ok(sender),
        Err(_) => Err(Problem::AwsThreadDied),
    }
}

fn empty_set() -> libc::sigset_t {
    // SAFETY: sigset_t is plain data, which sigemptyset then initialises.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        set
    }
}
