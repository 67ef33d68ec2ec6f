using Kgents.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>Looks at the topology for as long as the process lives. A server that is too old ends the process.</summary>
internal sealed partial class NatsTopologyWorker(
    NatsTopology topology,
    NatsRefusals refusals,
    INatsConnection connection,
    NatsMetrics metrics,
    IOptions<NatsTopologyOptions> options,
    TimeProvider time,
    IHostApplicationLifetime lifetime,
    ILogger<NatsTopologyWorker> logger) : BackgroundService
{
    private string? reported;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.CheckInterval, time);
        connection.ConnectionOpened += Opened;
        connection.ConnectionDisconnected += Closed;
        if (connection.ConnectionState == NatsConnectionState.Open)
        {
            // Somebody else was first to ask for it.
            metrics.Connected();
        }

        try
        {
            while (await CheckAndReportAsync(stoppingToken) && await timer.WaitForNextTickAsync(stoppingToken))
            {
                // Once more.
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this loop ends.
        }
        finally
        {
            connection.ConnectionOpened -= Opened;
            connection.ConnectionDisconnected -= Closed;
        }
    }

    private ValueTask Opened(object? sender, NatsEventArgs opened)
    {
        metrics.Connected();
        return ValueTask.CompletedTask;
    }

    private ValueTask Closed(object? sender, NatsEventArgs closed)
    {
        metrics.Disconnected();
        return ValueTask.CompletedTask;
    }

    /// <summary>False when the process is told to stop, because it cannot work with this server.</summary>
    private async Task<bool> CheckAndReportAsync(CancellationToken stoppingToken)
    {
        try
        {
            await topology.CheckOnceAsync(stoppingToken);
            if (reported is not null)
            {
                LogRecovered();
            }

            reported = null;
        }
        catch (TopologyException exception) when (NatsAddress.Problem(connection.Opts.Url) is null && NatsServerVersion.Problem(connection.ServerInfo) is not null)
        {
            LogRefused(exception.Message);
            Environment.ExitCode = 1;

            // At once when the application has started; before that its start would end with a cancellation instead of this reason.
            lifetime.ApplicationStarted.Register(lifetime.StopApplication);
            return false;
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            ReportOnce(topology.Problem ?? exception.Message, exception);
        }

        return true;
    }

    /// <summary>Once for each new problem: a server that is away for an hour does not fill the log. What is refused was said by who heard it.</summary>
    private void ReportOnce(string problem, Exception exception)
    {
        if (problem != reported && problem != refusals.Problem)
        {
            LogProblem(problem, NatsAddress.Problem(connection.Opts.Url) is null ? " Trying again." : "", exception is TopologyException or TimeoutException or NatsJSApiException or NatsNoRespondersException or NatsJSApiNoResponseException ? null : exception);
        }

        reported = problem;
    }

    [LoggerMessage(LogLevel.Critical, "Stopped: {Problem}")]
    private partial void LogRefused(string problem);

    [LoggerMessage(LogLevel.Error, "Not ready: {Problem}.{WhatNow}")]
    private partial void LogProblem(string problem, string whatNow, Exception? exception);

    [LoggerMessage(LogLevel.Information, "NATS and its streams are well again.")]
    private partial void LogRecovered();
}
