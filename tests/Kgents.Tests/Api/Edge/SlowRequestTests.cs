using System.Diagnostics;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Edge;

/// <summary>A request that never ends is ended. Apart from the other hostile ones, since it takes the API's own time.</summary>
public sealed class SlowRequestTests(AttackedApi api) : IClassFixture<AttackedApi>
{
    [Fact(Timeout = Limits.Test)]
    public async Task Body_ThatComesTooSlowly_IsNotWaitedFor()
    {
        var answer = await api.RefusedAsync("HTTP/1.1 408 ", api.Post("/v1/kgent/sessions", "", 1_000) + "{");

        Assert.Contains("application/problem+json", answer, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Headers_ThatComeTooSlowly_AreNotWaitedFor()
    {
        var started = Stopwatch.StartNew();

        await api.RefusedAsync("HTTP/1.1 408 ", "POST /v1/kgent/sessions HTTP/1.1\r\nHost: localhost\r\n");

        // Kestrel's own limit is 30 s.
        Assert.True(started.Elapsed < TimeSpan.FromSeconds(25), $"It took {started.Elapsed}.");
    }
}
