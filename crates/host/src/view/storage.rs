//! The interface `storage`, twice: asynchronous and synchronous. No logic.

use super::StorageView;
use crate::Scope;
use crate::bindings::ability::storage::storage as asynchronous;
use crate::bindings::ability::storage::types::{FileInfo, Precondition};
use crate::bindings::sync::ability::storage::storage as synchronous;
use crate::error::Failure;

impl asynchronous::Host for StorageView<'_> {
    async fn exists(&mut self, path: String, scope: Scope) -> Result<bool, Failure> {
        self.blocking(scope, |mount| mount.exists(path)).await
    }

    async fn read(&mut self, path: String, scope: Scope) -> Result<Vec<u8>, Failure> {
        self.blocking(scope, |mount| mount.read(path)).await
    }

    async fn read_versioned(
        &mut self,
        path: String,
        scope: Scope,
    ) -> Result<asynchronous::Snapshot, Failure> {
        let read = self.blocking(scope, |mount| mount.read_versioned(path));
        let (contents, version) = read.await?;
        Ok(asynchronous::Snapshot { contents, version })
    }

    async fn stat(&mut self, path: String, scope: Scope) -> Result<FileInfo, Failure> {
        self.blocking(scope, |mount| mount.stat(path)).await
    }

    async fn list(&mut self, prefix: String, scope: Scope) -> Result<Vec<String>, Failure> {
        self.blocking(scope, |mount| mount.list(prefix)).await
    }

    async fn atomic_write(
        &mut self,
        path: String,
        contents: Vec<u8>,
        scope: Scope,
    ) -> Result<(), Failure> {
        self.blocking(scope, |mount| mount.atomic_write(path, contents))
            .await
    }

    async fn atomic_write_if(
        &mut self,
        path: String,
        contents: Vec<u8>,
        scope: Scope,
        condition: Precondition,
    ) -> Result<String, Failure> {
        self.blocking(scope, |mount| {
            mount.atomic_write_if(path, contents, condition)
        })
        .await
    }

    async fn append(
        &mut self,
        path: String,
        contents: Vec<u8>,
        scope: Scope,
    ) -> Result<(), Failure> {
        self.blocking(scope, |mount| mount.append(path, contents))
            .await
    }

    async fn append_if(
        &mut self,
        path: String,
        contents: Vec<u8>,
        scope: Scope,
        end: asynchronous::FileEnd,
    ) -> Result<(), Failure> {
        self.blocking(scope, move |mount| mount.append_if(path, contents, &end))
            .await
    }

    async fn rename(
        &mut self,
        source: String,
        target: String,
        scope: Scope,
    ) -> Result<(), Failure> {
        self.blocking(scope, |mount| mount.rename(source, target))
            .await
    }

    async fn delete(&mut self, path: String, scope: Scope) -> Result<(), Failure> {
        self.blocking(scope, |mount| mount.delete(path)).await
    }
}

impl synchronous::Host for StorageView<'_> {
    fn exists(&mut self, path: String, scope: Scope) -> Result<bool, Failure> {
        self.mount(scope)?.exists(path)
    }

    fn read(&mut self, path: String, scope: Scope) -> Result<Vec<u8>, Failure> {
        self.mount(scope)?.read(path)
    }

    fn read_versioned(
        &mut self,
        path: String,
        scope: Scope,
    ) -> Result<synchronous::Snapshot, Failure> {
        let (contents, version) = self.mount(scope)?.read_versioned(path)?;
        Ok(synchronous::Snapshot { contents, version })
    }

    fn stat(&mut self, path: String, scope: Scope) -> Result<FileInfo, Failure> {
        self.mount(scope)?.stat(path)
    }

    fn list(&mut self, prefix: String, scope: Scope) -> Result<Vec<String>, Failure> {
        self.mount(scope)?.list(prefix)
    }

    fn atomic_write(
        &mut self,
        path: String,
        contents: Vec<u8>,
        scope: Scope,
    ) -> Result<(), Failure> {
        self.mount(scope)?.atomic_write(path, contents)
    }

    fn atomic_write_if(
        &mut self,
        path: String,
        contents: Vec<u8>,
        scope: Scope,
        condition: Precondition,
    ) -> Result<String, Failure> {
        self.mount(scope)?
            .atomic_write_if(path, contents, condition)
    }

    fn append(&mut self, path: String, contents: Vec<u8>, scope: Scope) -> Result<(), Failure> {
        self.mount(scope)?.append(path, contents)
    }

    fn append_if(
        &mut self,
        path: String,
        contents: Vec<u8>,
        scope: Scope,
        end: synchronous::FileEnd,
    ) -> Result<(), Failure> {
        let synchronous::FileEnd { size, last_bytes } = end;
        let end = asynchronous::FileEnd { size, last_bytes };
        self.mount(scope)?.append_if(path, contents, &end)
    }

    fn rename(&mut self, source: String, target: String, scope: Scope) -> Result<(), Failure> {
        self.mount(scope)?.rename(source, target)
    }

    fn delete(&mut self, path: String, scope: Scope) -> Result<(), Failure> {
        self.mount(scope)?.delete(path)
    }
}
