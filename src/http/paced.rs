//! A connection whose output has to move: whoever asks and does not read, or reads drop by drop, is let go.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// The pace below which a reader falls behind, in bytes a second.
const PACE: u32 = 4 * 1_024;

/// A stream with a bound on how long its output may wait for the other end.
///
/// Time in which nothing can be written is a debt; every byte that then moves pays back its share at [`PACE`]. A debt of
/// `patience` ends the connection. So a reader that stopped is let go after `patience`, one that reads drop by drop a
/// little later, and one that keeps the pace never, however large the answers are.
#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: S,
    patience: Duration,
    debt: Duration,
    waiting_since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    /// `stream`, let go once its output is `patience` behind.
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, debt: Duration::ZERO, waiting_since: None, alarm: None }
    }

    /// Nothing can be written now: waits until the debt is full.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        let end = since + self.patience.saturating_sub(self.debt);
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        if alarm.deadline() != end {
            alarm.as_mut().reset(end);
        }
        match alarm.as_mut().poll(context) {
            Poll::Ready(()) => {
                metrics::counter!("erp_bridge_slow_readers_total").increment(1);
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// So many bytes were written.
    fn moved(&mut self, bytes: usize) {
        if let Some(since) = self.waiting_since.take() {
            self.debt += since.elapsed();
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.debt = self.debt.saturating_sub(Duration::from_secs(1) * bytes / PACE);
    }

    fn after(&mut self, written: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Pending => self.wait(context),
            Poll::Ready(Ok(bytes)) => {
                self.moved(bytes);
                Poll::Ready(Ok(bytes))
            }
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.after(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.after(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(400);
    /// What the line between the two ends holds.
    const LINE: usize = 1_024;

    /// Writes `bytes` to an end that takes `taken` bytes every `pause`.
    async fn write(bytes: usize, taken: usize, pause: Duration) -> io::Result<()> {
        let (near, mut far) = tokio::io::duplex(LINE);
        let reader = tokio::spawn(async move {
            let mut buffer = vec![0; taken];
            loop {
                tokio::time::sleep(pause).await;
                if taken > 0 && far.read_exact(&mut buffer).await.is_err() {
                    return;
                }
            }
        });
        let written = Paced::new(near, PATIENCE).write_all(&vec![0; bytes]).await;
        reader.abort();
        written
    }

    #[tokio::test]
    async fn a_reader_that_stopped_is_let_go_after_the_patience() {
        let began = Instant::now();
        assert_eq!(write(100 * LINE, 0, PATIENCE).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= PATIENCE);
    }

    #[tokio::test]
    async fn a_reader_that_takes_drop_by_drop_is_let_go_and_one_that_keeps_the_pace_is_not() {
        let pause = Duration::from_millis(20);
        for (taken, ends) in [(1, true), (20, true), (LINE, false)] {
            let written = write(30 * LINE, taken, pause).await;
            assert_eq!(written.is_err(), ends, "{taken} bytes every {pause:?}: {written:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_at_rest_owes_nothing() {
        let (near, mut far) = tokio::io::duplex(LINE);
        let mut paced = Paced::new(near, PATIENCE);
        for _ in 0..3 {
            paced.write_all(&[0; LINE]).await.unwrap();
            tokio::time::sleep(PATIENCE * 2).await;
            far.read_exact(&mut [0; LINE]).await.unwrap();
        }
    }
}
