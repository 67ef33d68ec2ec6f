using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.Streaming.Models;
using Kgents.Streaming.Sessions;
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
        builder.Services.AddTopology([Streams.Messages, Streams.Tokens, Streams.Usage, Streams.DeadLetters], [Buckets.CancelMarks]);
        builder.AddLanguageModel();
        builder.Services.AddOptionsWithValidateOnStart<TurnOptions, TurnOptionsValidator>().BindConfiguration(TurnOptions.SectionName);
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<TurnOptions>>((host, turns) => host.ShutdownTimeout = turns.Value.DrainTimeout + AfterDrain);
        builder.Services
            .AddSingleton<CancelMarks>()
            .AddSingleton<TurnInterrupter>()
            .AddSingleton<SessionChain>()
            .AddSingleton<SessionHistory>()
            .AddSingleton<UsagePublisher>()
            .AddSingleton<DeadLetters>()
            .AddSingleton<ProgressKeeper>()
            .AddSingleton<TokenPump>()
            .AddSingleton<TurnControl>()
            .AddSingleton<TurnFinisher>()
            .AddSingleton<TurnProcessor>()
            .AddSingleton<TurnQueue>()
            .AddSingleton<TurnRunner>()
            .AddHostedService<TurnWorker>();
        return builder;
    }
}
