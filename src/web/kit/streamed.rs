//! A streamed response body: the next chunk is made only once the previous one was handed over, so that one
//! chunk is in memory, however long the body is.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};

use crate::{app::Result, web::kit::error};

/// Why a response was aborted.
type BodyError = Box<dyn std::error::Error>;

type NextChunk<T> = Pin<Box<dyn Future<Output = (T, Result<Option<Vec<u8>>>)>>>;

/// A body of the chunks that `next` makes from `source`, until it returns `None`. An error aborts the response,
/// so that a partial body is not taken for a complete one.
pub fn stream_body<T, F>(
    source: T,
    next: impl Fn(T) -> F + Unpin + 'static,
) -> impl MessageBody<Error = BodyError> + 'static
where
    T: Unpin + 'static,
    F: Future<Output = (T, Result<Option<Vec<u8>>>)> + 'static,
{
    let next_chunk: NextChunk<T> = Box::pin(next(source));
    StreamedBody {
        next_chunk: Some(next_chunk),
        next: move |source| -> NextChunk<T> { Box::pin(next(source)) },
    }
}

struct StreamedBody<T, N> {
    next_chunk: Option<NextChunk<T>>,
    next: N,
}

impl<T: Unpin, N: Fn(T) -> NextChunk<T> + Unpin> MessageBody for StreamedBody<T, N> {
    type Error = BodyError;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        loop {
            let Some(next_chunk) = &mut self.next_chunk else { return Poll::Ready(None) };
            let (source, piece) = ready!(next_chunk.as_mut().poll(context));
            self.next_chunk = None;
            match piece {
                Ok(None) => return Poll::Ready(None),
                Ok(Some(bytes)) => {
                    self.next_chunk = Some((self.next)(source));
                    // An empty chunk would end the response.
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(Ok(bytes.into())));
                    }
                }
                Err(error) => {
                    error::log_internal_error(&error);
                    return Poll::Ready(Some(Err(error.into())));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;
    use crate::app::Error;

    async fn counted(to: u8, failing: bool) -> std::result::Result<Bytes, BodyError> {
        let body = stream_body(0_u8, move |at| async move {
            let piece = match at {
                at if at < to => Ok(Some(if at == 1 { Vec::new() } else { vec![b'0' + at] })),
                _ if failing => Err(Error::internal("the database went away")),
                _ => Ok(None),
            };
            (at + 1, piece)
        });
        to_bytes(body).await
    }

    #[actix_web::test]
    async fn pieces_come_in_order_and_a_failure_breaks_off() {
        assert_eq!(counted(5, false).await.unwrap(), "0234");
        assert_eq!(counted(0, false).await.unwrap(), "");
        assert!(counted(3, true).await.is_err());
    }
}
