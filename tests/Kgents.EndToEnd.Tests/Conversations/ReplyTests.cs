using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Conversations;

[Collection(typeof(OneSystem))]
public sealed class ReplyTests(SharedSystem shared)
{
    private readonly KgentsSystem system = shared.System;

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Reply_IsTheStoredAnswer_WhenNoStreamIsAskedFor()
    {
        system.Model.Enqueue(new ModelScript(new ModelStep.Token("Yes,"), new ModelStep.Token(" indeed."), new ModelStep.Usage(17, 4)));
        var session = await system.Client.CreateSessionAsync();

        var reply = await system.Client.AskAsync(session, "All at once?");

        Assert.Equal("assistant", reply.Text("role"));
        Assert.Equal("Yes, indeed.", reply.Text("content"));
        Assert.Equal("scripted-1", reply.Text("model"));
        Assert.Equal("completed", reply.Text("status"));
        Assert.Equal((17, 4), reply.Tokens());
        var messages = await system.Client.MessagesAsync(session);
        Assert.Equal(["user", "assistant"], messages.Select(message => message.Text("role")));
        Assert.Equal(reply.GetRawText(), messages[1].GetRawText());
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Model_GetsTheSystemPromptAndTheHistory_InOrder()
    {
        var session = await system.Client.CreateSessionAsync("challenge");
        foreach (var answer in new[] { "  First answer.\n", "Second \"answer\".", "Third." })
        {
            system.Model.Enqueue(ModelScript.Reply(answer));
        }

        await system.Client.SayAsync(session, "First question?");
        await system.Client.SayAsync(session, " Second question? ");
        await system.Client.SayAsync(session, "Third question, of all?");

        var request = Assert.Single(system.Model.Requests, request => request.Messages[^1].Content == "Third question, of all?");
        Assert.Equal("system", request.Messages[0].Role);
        Assert.Contains("K-gent", request.Messages[0].Content, StringComparison.Ordinal);
        Assert.Contains("strongest case against", request.Messages[0].Content, StringComparison.Ordinal);
        Assert.Equal(
            [
                new("user", "First question?"), new("assistant", "  First answer.\n"),
                new("user", " Second question? "), new("assistant", "Second \"answer\"."),
                new("user", "Third question, of all?"),
            ],
            request.Messages.Skip(1));
        Assert.Equal("Bearer test-key", request.Authorization);
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Sessions_ShareNoHistory()
    {
        await system.Client.SayAsync(await system.Client.CreateSessionAsync(), "A secret of the first session.");

        await system.Client.SayAsync(await system.Client.CreateSessionAsync(), "A question in the second session.");

        var request = Assert.Single(system.Model.Requests, request => request.Messages[^1].Content == "A question in the second session.");
        Assert.Equal(["system", "user"], request.Messages.Select(message => message.Role));
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Workers_ShareTheQueue_AndRunEachTurnOnce()
    {
        const int sessions = 2 * SharedSystem.Slots;
        var scripts = Enumerable.Range(0, sessions).Select(_ => new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("Done."))).ToList();
        scripts.ForEach(system.Model.Enqueue);
        var before = system.Model.Requests.Count;

        var turns = await Task.WhenAll(Enumerable.Range(0, sessions).Select(async number =>
            await system.Client.FollowAsync(await system.Client.CreateSessionAsync(), $"At once {number}")));

        // One worker has half as many slots: all are with the model only when both take from the queue.
        await Eventually.TrueAsync(() => system.Model.Requests.Count >= before + sessions);
        scripts.ForEach(script => script.Release());
        var ended = await Task.WhenAll(turns.Select(turn => turn.ReadToEndAsync()));

        Assert.All(ended, frames => Assert.Equal(["accepted", "chunk", "usage", "complete"], frames.Outline()));
        Assert.Equal(
            Enumerable.Range(0, sessions).Select(number => $"At once {number}").Order(),
            system.Model.Requests.Skip(before).Select(request => request.Messages[^1].Content).Order());
        foreach (var turn in turns)
        {
            await turn.DisposeAsync();
        }
    }
}
