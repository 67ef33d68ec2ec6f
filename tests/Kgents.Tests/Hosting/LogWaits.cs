using Kgents.Contracts;

namespace Kgents.Tests.Hosting;

/// <summary>Waits for what a worker writes into the log of turns.</summary>
internal static class LogWaits
{
    /// <summary>Until the model has begun to answer, and that is in the log.</summary>
    public static Task ChunkLoggedAsync(this KgentsHost host) => host.LastLoggedAsync(TurnEventCodec.Chunk);

    /// <summary>Until the last entry is of this kind.</summary>
    /// <param name="subject">Of a turn; all of them where a test has one.</param>
    public static Task LastLoggedAsync(this KgentsHost host, string kind, string subject = Subjects.AllTokens) => Eventually.TrueAsync(async () =>
        (await host.Reader.LastAsync(Streams.Tokens.Name, subject, TestContext.Current.CancellationToken))?.Header(TurnHeaders.Event) == kind);

    public static async Task<int> ChunksAsync(this KgentsHost host) => await host.Reader.ReadAsync(Streams.Tokens.Name, Subjects.AllTokens, 1, 0, TestContext.Current.CancellationToken)
        .CountAsync(entry => entry.Header(TurnHeaders.Event) == TurnEventCodec.Chunk, TestContext.Current.CancellationToken);
}
