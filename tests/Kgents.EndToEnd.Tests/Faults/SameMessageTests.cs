using System.Net;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Faults;

/// <summary>Many send the same message under the same key, at once and again, to two replicas of which one is killed and replaced.</summary>
public sealed class SameMessageTests
{
    private const int Senders = 100;

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task OneTurn_IsRun_AndEachSenderSeesItWhole()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings { Metering = false });
        var script = new ModelScript(new ModelStep.Token("Once"), new ModelStep.WaitForRelease(), new ModelStep.Token(" only."));
        system.Model.Enqueue(script);
        var (doomed, first) = (system.Api, system.Client);
        await system.StartApiAsync();
        var (second, session) = (system.Client, await system.Client.CreateSessionAsync());

        var sending = Enumerable.Range(0, Senders).Select(sender => SendAsync(sender % 2 == 0 ? first : second)).ToList();
        await Eventually.TrueAsync(async () => (await second.MessagesAsync(session)).Count > 0);
        await doomed.KillAsync(TestContext.Current.CancellationToken);
        await system.StartApiAsync();
        script.Release();
        var seen = await Task.WhenAll(sending);
        var late = await SendAsync(system.Client);

        Assert.True(late.IsReplayed);
        Assert.All(seen.Append(late), each => Assert.Equal((late.Frames.Turn(), "complete", "Once only."), (each.Frames.Turn(), each.Frames.Terminal().Event, each.Frames.ShownText())));
        Assert.Single(system.Model.Requests);
        Assert.Equal(["user", "assistant"], (await system.Client.MessagesAsync(session)).Select(message => message.Text("role")));

        // To a replica, and then, for as long as that takes, to the one that stays.
        async Task<(IReadOnlyList<SseFrame> Frames, bool IsReplayed)> SendAsync(KgentsClient replica)
        {
            var answer = await TrySendAsync(replica, session);
            await Eventually.TrueAsync(async () => (answer ??= await TrySendAsync(second, session)) is not null);
            return answer!.Value;
        }
    }

    /// <summary>Null when the replica is gone, or is not ready yet.</summary>
    private static async Task<(IReadOnlyList<SseFrame> Frames, bool IsReplayed)?> TrySendAsync(KgentsClient replica, string session)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/kgent/sessions/{session}/messages")
        {
            Content = new StringContent("""{"message":"How often?"}""", System.Text.Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("Idempotency-Key", "how-often");
        try
        {
            using var response = await replica.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            Assert.Contains(response.StatusCode, (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable]);
            return response.IsSuccessStatusCode
                ? (await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken), response.Headers.Contains("Idempotency-Replayed"))
                : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return null;
        }
    }
}
