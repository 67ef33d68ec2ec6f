using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;
using Kgents.Streaming.Deletions;
using Kgents.Streaming.Governance;
using Kgents.Streaming.Models;
using Kgents.Streaming.Sessions;
using Kgents.Streaming.Sweeping;
using Kgents.Streaming.Telemetry;
using Kgents.Streaming.Turns;
using Kgents.Streaming.Usage;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming;

/// <summary>The worker: takes turns from the queue, runs K-gent, and writes what it says into each turn's log.</summary>
public static class KgentsStreaming
{
    /// <summary>What is left of a shutdown, once turns are handed over, for everything else that stops.</summary>
    private static readonly TimeSpan AfterDrain = TimeSpan.FromSeconds(10);

    public static TBuilder AddKgentsStreaming<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddTopology([Streams.Messages, Streams.Tokens, Streams.Usage, Streams.Audit, Streams.DeadLetters], [Buckets.CancelMarks, Buckets.SessionRecords, Buckets.SessionDetailRecords, Buckets.DeletionOrders, Buckets.QuotaRecords]);
        builder.AddLanguageModels();
        builder.Services.AddOptionsWithValidateOnStart<TurnOptions, TurnOptionsValidator>().BindConfiguration(TurnOptions.SectionName);
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<TurnOptions>>((host, turns) => host.ShutdownTimeout = turns.Value.DrainTimeout + AfterDrain);
        builder.Services.AddOptionsWithValidateOnStart<DeletionOptions, DeletionOptionsValidator>().BindConfiguration(DeletionOptions.SectionName);
        builder.Services.AddOptionsWithValidateOnStart<SweepOptions, SweepOptionsValidator>().BindConfiguration(SweepOptions.SectionName);
        builder.Services
            .AddSingleton<TurnMetrics>()
            .AddSingleton<ModelHealth>()
            .AddSingleton<TurnBacklog>()
            .AddSingleton<CancelMarks>()
            .AddSingleton<TurnInterrupter>()
            .AddSingleton<SessionAnswers>()
            .AddSingleton<SessionChain>()
            .AddSingleton<SessionHistory>()
            .AddSingleton<TokenCounter>()
            .AddSingleton<UsageAccount>()
            .AddSingleton<UsagePublisher>()
            .AddSingleton<DeadLetters>()
            .AddSingleton<AuditLog>()
            .AddSingleton<ProgressKeeper>()
            .AddSingleton<TokenPump>()
            .AddSingleton<TurnControl>()
            .AddSingleton<TurnFinisher>()
            .AddSingleton<TurnCloser>()
            .AddSingleton<TurnProcessor>()
            .AddSingleton<TurnQueue>()
            .AddSingleton<TurnRunner>()
            .AddHostedService<TokenCounterWarmUp>()
            .AddHostedService<TurnWorker>()
            .AddHostedService(provider => provider.GetRequiredService<TurnBacklog>());
        builder.Services.AddHealthChecks().AddCheck<TurnBacklog>("turn-workers").AddCheck<ModelHealth>("model");
        builder.Services
            .AddSingleton<DeletedSessions>()
            .AddSingleton<DeletionOrders>()
            .AddSingleton<SessionEraser>()
            .AddSingleton<SessionDeleter>()
            .AddHostedService<DeletionWorker>();
        builder.Services
            .AddSingleton<TurnLogEnds>()
            .AddSingleton<LostTurns>()
            .AddSingleton<TurnSweeper>()
            .AddSingleton<QuotaSweeper>()
            .AddHostedService<SweepWorker>()
            .AddHostedService<QuotaSweepWorker>();
        return builder;
    }
}
