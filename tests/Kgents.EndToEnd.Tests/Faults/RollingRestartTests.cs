using System.Text;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Faults;

/// <summary>What an operator does for every new version: each process is replaced by a new one, while turns run and clients watch.</summary>
public sealed class RollingRestartTests
{
    private const int Sessions = 3;
    private const int Tokens = 20;

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Turns_EndWellAndViewersMissNothing_WhileEveryProcessIsReplaced()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings
        {
            // A hand-over that counted as an attempt would end its turn; the drain is shorter than a turn, so that turns are handed over.
            Environment = new Dictionary<string, string?> { ["Turns__MaxAttempts"] = "1", ["Turns__DrainTimeout"] = "00:00:00.500" },
        });
        system.Model.DefaultScript = new ModelScript(
            [.. Enumerable.Range(0, Tokens).SelectMany(number => new ModelStep[] { new ModelStep.Token($"{number} "), new ModelStep.Pause(TimeSpan.FromMilliseconds(100)) }), new ModelStep.Usage(40, 60)]);
        var sessions = await Task.WhenAll(Enumerable.Range(0, Sessions).Select(_ => system.Client.CreateSessionAsync()));
        using var restarted = new CancellationTokenSource();
        var viewers = sessions.Select(session => TalkAsync(system, session, restarted.Token)).ToArray();

        var exits = new List<int>();
        await RestartAsync(system.Api, () => system.StartApiAsync());
        var worker = system.Workers[0];
        do
        {
            // A worker whose turns all end within the drain hands nothing over: the next one does.
            worker = await RestartAsync(worker, () => system.StartWorkerAsync());
        }
        while (!(await system.Store.ReadAsync(Streams.Tokens.Name)).Any(entry => entry.Headers[TurnHeaders.Event] == TurnEventCodec.HandedOver));

        await RestartAsync(system.Metering, () => system.StartMeteringAsync());
        await restarted.CancelAsync();
        var turns = (await Task.WhenAll(viewers)).SelectMany(seen => seen).ToArray();

        Assert.All(exits, exit => Assert.Equal(0, exit));
        var log = (await system.Store.ReadAsync(Streams.Tokens.Name)).ToLookup(entry => entry.Subject.Split('.')[^1]);
        Assert.All(turns, turn =>
        {
            Assert.Equal("complete", turn.Terminal().Event);
            Assert.Equal(string.Concat(Enumerable.Range(0, Tokens).Select(number => $"{number} ")), turn.ShownText());
            Assert.Equal(
                log[turn.Turn()].Where(entry => entry.Headers[TurnHeaders.Event] != TurnEventCodec.HandedOver).Select(entry => $"{entry.Sequence}"),
                turn.Select(frame => frame.Id));
        });
        Assert.Contains(turns, turn => turn.Any(frame => frame.Event == "restarted"));
        await system.Store.UsageExportedAsync();
        Assert.Equal(100 * turns.Length, system.OpenMeter.Sum("total_tokens", eventType: UsageEvent.BillableType));

        async Task<ServiceProcess> RestartAsync(ServiceProcess old, Func<Task<ServiceProcess>> startNew)
        {
            var replacement = await startNew();
            exits.Add(await old.TerminateAsync(TestContext.Current.CancellationToken));
            return replacement;
        }
    }

    /// <summary>One turn after another, each seen to its end on whatever replica there is, until it is told to stop.</summary>
    private static async Task<IReadOnlyList<IReadOnlyList<SseFrame>>> TalkAsync(KgentsSystem system, string session, CancellationToken stop)
    {
        var turns = new List<IReadOnlyList<SseFrame>>();
        while (!stop.IsCancellationRequested)
        {
            turns.Add(await FollowAsync(system, session, $"Message {turns.Count}"));
        }

        return turns;
    }

    private static async Task<IReadOnlyList<SseFrame>> FollowAsync(KgentsSystem system, string session, string message)
    {
        var seen = new List<SseFrame>();
        var path = (string?)null;
        while (seen.Count == 0 || seen[^1].Event is not ("complete" or "error" or "cancelled"))
        {
            // A replica that stops takes no new connection: the client tries again.
            using var response = await TrySendAsync(system, path, session, message, seen);
            if (response is null)
            {
                await Task.Delay(50, TestContext.Current.CancellationToken);
                continue;
            }

            path = response.Content.Headers.ContentLocation?.ToString() ?? path;
            await foreach (var frame in SseClient.ReadAsync(response, TestContext.Current.CancellationToken))
            {
                seen.Add(frame);
            }
        }

        return seen;
    }

    private static async Task<HttpResponseMessage?> TrySendAsync(KgentsSystem system, string? path, string session, string message, List<SseFrame> seen)
    {
        var request = path is null ? new HttpRequestMessage(HttpMethod.Post, $"/v1/kgent/sessions/{session}/messages") : new HttpRequestMessage(HttpMethod.Get, path);
        if (path is null)
        {
            // The same message under the same key, however often it is sent.
            request.Content = new StringContent($$"""{"message":"{{message}}"}""", Encoding.UTF8, "application/json");
            request.Headers.Add("Idempotency-Key", $"{session}-{message.Replace(' ', '-')}");
        }
        else if (seen.Count > 0)
        {
            request.Headers.Add("Last-Event-ID", seen[^1].Id);
        }

        try
        {
            var response = await system.Client.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }

            Assert.Equal(503, (int)response.StatusCode);
            response.Dispose();
        }
        catch (HttpRequestException)
        {
            // It is gone.
        }

        return null;
    }
}
