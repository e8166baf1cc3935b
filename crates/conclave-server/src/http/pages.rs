//! A router that knows its routes, for the API document.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodRouter, delete, get, post, put};

use crate::node::Node;

/// Routes, in the order they were added.
#[derive(Default)]
pub(super) struct Pages {
    router: Router<Arc<Node>>,
    listed: Vec<(Method, &'static str)>,
}

macro_rules! methods {
    ($($method:ident = $name:ident),+) => {$(
        /// Adds a route.
        pub(super) fn $method<H, T>(self, path: &'static str, handler: H) -> Self
        where
            H: Handler<T, Arc<Node>>,
            T: 'static,
        {
            self.add(Method::$name, path, $method(handler))
        }
    )+};
}

impl Pages {
    methods!(get = GET, post = POST, put = PUT, delete = DELETE);

    /// Adds a route with layers of its own.
    pub(super) fn add(
        mut self,
        method: Method,
        path: &'static str,
        handler: MethodRouter<Arc<Node>>,
    ) -> Self {
        self.listed.push((method, path));
        self.router = self.router.route(path, handler);
        self
    }

    /// The router.
    pub(super) fn into_router(self) -> Router<Arc<Node>> {
        self.router
    }

    /// What was added.
    #[cfg(test)]
    pub(super) fn listed(&self) -> &[(Method, &'static str)] {
        &self.listed
    }
}
