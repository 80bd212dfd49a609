//! The interface `streaming`, twice: asynchronous and synchronous. No logic.
//!
//! A call takes what is open from its handle and puts it back when it is done,
//! so that a call that is dropped in between cannot leave a handle to half a file.

use super::{StorageView, blocking};
use crate::Scope;
use crate::bindings::ability::storage::streaming as asynchronous;
use crate::bindings::ability::storage::types::Precondition;
use crate::bindings::sync::ability::storage::streaming as synchronous;
use crate::error::Failure;
use crate::streaming::{BROKEN, COMMITTED, Reader, Writer};
use ability_storage_engine::author::observe::HostContext;
use wasmtime::component::Resource;

impl asynchronous::Host for StorageView<'_> {}

impl asynchronous::HostWriter for StorageView<'_> {
    async fn open(
        &mut self,
        path: String,
        scope: Scope,
        condition: Precondition,
    ) -> Result<Resource<Writer>, Failure> {
        self.ctx.streams.check_room()?;
        let open = self.blocking(scope, |mount| mount.open_writer(path, condition));
        let writer = open.await?;
        Ok(self.ctx.streams.add(writer)?)
    }

    async fn write(&mut self, writer: Resource<Writer>, contents: Vec<u8>) -> Result<(), Failure> {
        let writer = self.ctx.streams.get(&writer)?;
        let open = writer.take(BROKEN)?;
        writer.put_back(blocking(move || open.write(&contents)).await?);
        Ok(())
    }

    async fn commit(&mut self, writer: Resource<Writer>) -> Result<String, Failure> {
        let open = self.ctx.streams.get(&writer)?.take(COMMITTED)?;
        blocking(move || open.commit()).await
    }

    async fn drop(&mut self, writer: Resource<Writer>) -> wasmtime::Result<()> {
        let writer = self.ctx.streams.remove(writer)?;
        let context = HostContext::current();
        let dropped = tokio::task::spawn_blocking(move || context.run(|| drop(writer)));
        Ok(dropped.await?)
    }
}

impl asynchronous::HostReader for StorageView<'_> {
    async fn open(&mut self, path: String, scope: Scope) -> Result<Resource<Reader>, Failure> {
        self.ctx.streams.check_room()?;
        let reader = self
            .blocking(scope, |mount| mount.open_reader(path))
            .await?;
        Ok(self.ctx.streams.add(reader)?)
    }

    async fn size(&mut self, reader: Resource<Reader>) -> wasmtime::Result<u64> {
        synchronous::HostReader::size(self, reader)
    }

    async fn read(&mut self, reader: Resource<Reader>, max_bytes: u64) -> Result<Vec<u8>, Failure> {
        let stream = &mut self.ctx.streams.get(&reader)?.stream;
        let open = stream.take(BROKEN)?;
        let (open, contents) = blocking(move || open.read(max_bytes)).await?;
        stream.put_back(open);
        Ok(contents)
    }

    async fn skip(&mut self, reader: Resource<Reader>, bytes: u64) -> Result<(), Failure> {
        let stream = &mut self.ctx.streams.get(&reader)?.stream;
        let open = stream.take(BROKEN)?;
        stream.put_back(blocking(move || open.skip(bytes)).await?);
        Ok(())
    }

    async fn drop(&mut self, reader: Resource<Reader>) -> wasmtime::Result<()> {
        synchronous::HostReader::drop(self, reader)
    }
}

impl synchronous::Host for StorageView<'_> {}

impl synchronous::HostWriter for StorageView<'_> {
    fn open(
        &mut self,
        path: String,
        scope: Scope,
        condition: Precondition,
    ) -> Result<Resource<Writer>, Failure> {
        self.ctx.streams.check_room()?;
        let writer = self.mount(scope)?.open_writer(path, condition)?;
        Ok(self.ctx.streams.add(writer)?)
    }

    fn write(&mut self, writer: Resource<Writer>, contents: Vec<u8>) -> Result<(), Failure> {
        let writer = self.ctx.streams.get(&writer)?;
        let open = writer.take(BROKEN)?;
        writer.put_back(open.write(&contents)?);
        Ok(())
    }

    fn commit(&mut self, writer: Resource<Writer>) -> Result<String, Failure> {
        self.ctx.streams.get(&writer)?.take(COMMITTED)?.commit()
    }

    fn drop(&mut self, writer: Resource<Writer>) -> wasmtime::Result<()> {
        self.ctx.streams.remove(writer)?;
        Ok(())
    }
}

impl synchronous::HostReader for StorageView<'_> {
    fn open(&mut self, path: String, scope: Scope) -> Result<Resource<Reader>, Failure> {
        self.ctx.streams.check_room()?;
        let reader = self.mount(scope)?.open_reader(path)?;
        Ok(self.ctx.streams.add(reader)?)
    }

    fn size(&mut self, reader: Resource<Reader>) -> wasmtime::Result<u64> {
        Ok(self.ctx.streams.get(&reader)?.size)
    }

    fn read(&mut self, reader: Resource<Reader>, max_bytes: u64) -> Result<Vec<u8>, Failure> {
        let stream = &mut self.ctx.streams.get(&reader)?.stream;
        let (open, contents) = stream.take(BROKEN)?.read(max_bytes)?;
        stream.put_back(open);
        Ok(contents)
    }

    fn skip(&mut self, reader: Resource<Reader>, bytes: u64) -> Result<(), Failure> {
        let stream = &mut self.ctx.streams.get(&reader)?.stream;
        let open = stream.take(BROKEN)?;
        stream.put_back(open.skip(bytes)?);
        Ok(())
    }

    fn drop(&mut self, reader: Resource<Reader>) -> wasmtime::Result<()> {
        self.ctx.streams.remove(reader)?;
        Ok(())
    }
}
