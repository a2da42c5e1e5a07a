//! Why a page is not shown: noted in the answer, and written for people by [`super::layer`].

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tower_http::csrf::ProtectionError;

use crate::http::problem::Problem;

/// Why a page is not shown, or a change not made.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// As the REST interface would answer.
    Problem(Problem),
    /// A change that no page of the console sent.
    Foreign,
    /// Nothing is at this address.
    NoPage,
}

impl Fault {
    /// The HTTP status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Problem(problem) => problem.status(),
            Self::Foreign => StatusCode::FORBIDDEN,
            Self::NoPage => StatusCode::NOT_FOUND,
        }
    }

    /// Whether signing in again may help.
    pub(super) fn is_about_session(&self) -> bool {
        matches!(self, Self::Problem(Problem::TokenMissing | Problem::TokenUnknown | Problem::TokenExpired))
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        // Its Retry-After is worth keeping; its body is not.
        let mut response = match &self {
            Self::Problem(problem) => problem.clone().into_response(),
            _ => self.status().into_response(),
        };
        response.extensions_mut().insert(self);
        response
    }
}

/// What a change from another origin is answered.
pub(super) fn foreign(_: ProtectionError) -> Response {
    Fault::Foreign.into_response()
}
