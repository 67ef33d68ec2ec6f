using System.Diagnostics;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Access;

/// <summary>A browser's EventSource, which sends no headers, follows one turn with a ticket.</summary>
public sealed class StreamTicketTests : StreamTicketTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task Ticket_OpensAndResumesItsTurn_OnEveryReplica_AndAfterARestart()
    {
        var (session, turn) = await SayAsync(host.Client);
        var (ticket, expires) = await IssueAsync(host.Client, session, turn.Id);
        await using var restarted = await KgentsHost.StartAsync(Nats.Url, Parts.Api, time);

        Assert.Equal(time.GetUtcNow() + TimeSpan.FromMinutes(5), expires, TimeSpan.FromSeconds(1));
        foreach (var each in new[] { host, replica, restarted })
        {
            Assert.Equal(turn.Frames, await FollowAsync(each, session, turn.Id, ticket));
            Assert.Equal(turn.Frames.Skip(2), await FollowAsync(each, session, turn.Id, ticket, turn.Frames[1].Id));
            Assert.Equal((204, ""), await AskAsync(each, Events(session, turn.Id, ticket, turn.Frames[^1].Id)));
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Replicas_SignAlike_WhenBothSignTheirFirstAtOnce()
    {
        var (session, turn) = await SayAsync(host.Client);
        using var there = replica.ClientWith(await KeyOfHostAsync());

        var tickets = await Task.WhenAll(IssueAsync(host.Client, session, turn.Id), IssueAsync(there, session, turn.Id));

        Assert.Equal(turn.Frames, await FollowAsync(replica, session, turn.Id, tickets[0].Ticket));
        Assert.Equal(turn.Frames, await FollowAsync(host, session, turn.Id, tickets[1].Ticket));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Ticket_IsInNoLogAndNoSpan_WhateverTheSettingsSay()
    {
        var queries = new System.Collections.Concurrent.ConcurrentQueue<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Microsoft.AspNetCore",
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => queries.Enqueue(string.Join(' ', activity.TagObjects.Select(tag => $"{tag.Key}={tag.Value}").Append(activity.DisplayName))),
        };
        ActivitySource.AddActivityListener(listener);
        await using var talkative = await KgentsHost.StartAsync(
            Nats.Url,
            Parts.Api,
            time,
            ("Logging:LogLevel:Default", "Trace"),
            ("Logging:LogLevel:Microsoft.AspNetCore", "Trace"),
            ("Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics", "Trace"),
            ("Logging:Kgents.Tests.Hosting.RecentLogs:LogLevel:Default", "Trace"),
            ("Logging:Kgents.Tests.Hosting.RecentLogs:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics", "Trace"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"));
        var (session, turn) = await SayAsync(host.Client);
        var (ticket, _) = await IssueAsync(host.Client, session, turn.Id);

        Assert.Equal(turn.Frames, await FollowAsync(talkative, session, turn.Id, ticket));
        Assert.Equal(401, (await AskAsync(talkative, Events(session, turn.Id, ticket + "A"))).Status);

        await Eventually.TrueAsync(() => Task.FromResult(queries.Count(tags => tags.Contains($"{turn.Id}/events", StringComparison.Ordinal) && tags.Contains("ticket=Redacted", StringComparison.Ordinal)) == 2));
        var signature = ticket.Split('_', 5)[4];
        Assert.DoesNotContain(queries, tags => tags.Contains(signature, StringComparison.Ordinal));
        Assert.Contains(talkative.Logs.Lines, line => line.StartsWith("Debug Microsoft.AspNetCore.", StringComparison.Ordinal));
        Assert.DoesNotContain(talkative.Logs.Lines.Concat(host.Logs.Lines), line => line.Contains(signature, StringComparison.Ordinal));
    }
}
