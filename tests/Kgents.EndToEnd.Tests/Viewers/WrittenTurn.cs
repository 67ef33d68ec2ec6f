using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;

namespace Kgents.EndToEnd.Tests.Viewers;

/// <summary>An open turn whose log a test writes by hand, since no model says so much: what viewers are sent, and when, is up to the test.</summary>
internal sealed class WrittenTurn(KgentsSystem system, string session, string turn)
{
    private readonly string subject = Subjects.Tokens(new TurnAddress(TenantId.Parse("default"), SessionId.Parse(session), TurnId.Parse(turn)));

    /// <summary>The path of its events.</summary>
    public string Path => $"/v1/kgent/sessions/{session}/turns/{turn}/events";

    /// <summary>In a system without workers.</summary>
    public static async Task<WrittenTurn> BeginAsync(KgentsSystem system)
    {
        var session = await system.Client.CreateSessionAsync();
        (await system.Client.PostAsync(session, new { message = "No worker takes this." })).Dispose();
        var turn = (await system.Client.MessagesAsync(session))[0].Text("turn_id");
        var written = new WrittenTurn(system, session, turn);
        await system.Store.AppendAsync(written.subject, new TurnAccepted(TurnId.Parse(turn), 1, "by-hand"));
        return written;
    }

    public Task WriteAsync(int size) => system.Store.AppendAsync(subject, new TurnChunk(new string('x', size), 0));

    /// <summary>Much, and fast: some at a time.</summary>
    public async Task WriteAsync(int size, int count)
    {
        foreach (var batch in Enumerable.Range(0, count).Chunk(50))
        {
            await Task.WhenAll(batch.Select(_ => WriteAsync(size)));
        }
    }

    /// <summary>The end of its log so far.</summary>
    public Task<ulong> LastAsync() => system.Store.LastAsync(Streams.Tokens.Name);
}
