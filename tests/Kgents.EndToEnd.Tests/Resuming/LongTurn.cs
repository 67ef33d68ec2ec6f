using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Resuming;

/// <summary>A turn with more than 10,000 events that is still open, and two replicas of the API. What a test does to the processes leaves it so.</summary>
public sealed class LongTurn : IAsyncLifetime
{
    /// <summary>Tokens are joined while an append is under way; a worker that buffers one joins at most three.</summary>
    private const int Tokens = 33_000;
    private const string LastToken = "#";

    private readonly ModelScript first = new([.. Enumerable.Repeat(new ModelStep.Token("a "), Tokens), new ModelStep.Token(LastToken), .. Slowly()]);
    private readonly ModelScript again = new([new ModelStep.Token("Again."), .. Slowly()]);

    public KgentsSystem System { get; private set; } = null!;

    public ServiceProcess OtherApi { get; private set; } = null!;

    /// <summary>The path of its events.</summary>
    public string Path { get; private set; } = null!;

    private string Turn { get; set; } = null!;

    public async ValueTask InitializeAsync()
    {
        System = await KgentsSystem.StartAsync(new SystemSettings
        {
            Metering = false,
            Environment = new Dictionary<string, string?> { ["Turns__BufferedPieces"] = "1", ["Turns__AckWait"] = "00:00:01", ["Turns__MaxAttempts"] = "100" },
        });
        OtherApi = System.Api;
        await System.StartApiAsync();
        System.Model.Enqueue(first);
        System.Model.DefaultScript = again;
        var session = await System.Client.CreateSessionAsync();
        await using var stream = await System.Client.FollowAsync(session, "Talk for long.");
        while (!(await stream.NextAsync("chunk")).Data.Contains(LastToken, StringComparison.Ordinal))
        {
            // So far the model talks.
        }

        Turn = stream.Seen.Turn();
        Path = $"/v1/kgent/sessions/{session}/turns/{Turn}/events";
    }

    /// <summary>Its log as the stream holds it.</summary>
    public async Task<IReadOnlyList<StoredMessage>> ReadLogAsync() =>
        [.. (await System.Store.ReadAsync(Streams.Tokens.Name)).Where(entry => entry.Subject.EndsWith(Turn, StringComparison.Ordinal))];

    /// <summary>The model says one more token.</summary>
    public void GoOn()
    {
        first.Release();
        again.Release();
    }

    public ValueTask DisposeAsync() => System?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static IEnumerable<ModelStep> Slowly() => Enumerable.Repeat(new ModelStep[] { new ModelStep.WaitForRelease(), new ModelStep.Token(" More.") }, 50).SelectMany(steps => steps);
}
