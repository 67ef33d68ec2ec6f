using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Kgents.Testing;

namespace Kgents.Tests.Deployment;

/// <summary>Just enough of a registry to publish on top of: an image with one file for two kinds of processor, that says of itself what .NET's base images say.</summary>
internal sealed class BaseImageRegistry : IAsyncDisposable
{
    private const string IndexType = "application/vnd.oci.image.index.v1+json";
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";

    private readonly LoopbackServer server;

    private BaseImageRegistry(LoopbackServer server) => this.server = server;

    public string Image => $"{server.Address.Authority.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)}/base:1";

    public static async Task<BaseImageRegistry> StartAsync(CancellationToken cancellationToken)
    {
        var layer = Layer(out var plain);
        var blobs = new Dictionary<string, (byte[] Bytes, string Type)> { [Digest(layer)] = (layer, "application/octet-stream") };
        var amd64 = Add("amd64");
        var arm64 = Add("arm64");
        var index = Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{IndexType}}","manifests":[{{amd64}},{{arm64}}]}""");
        return new BaseImageRegistry(await LoopbackServer.StartAsync(
            async (context, token) =>
            {
                // By its digest, or by the tag: then what lists both.
                var path = context.Request.Path.Value!;
                var (answer, type) = blobs.GetValueOrDefault(path[(path.LastIndexOf('/') + 1)..], (index, IndexType));
                context.Response.ContentType = type;
                context.Response.ContentLength = answer.Length;
                context.Response.Headers["Docker-Content-Digest"] = Digest(answer);
                if (!Microsoft.AspNetCore.Http.HttpMethods.IsHead(context.Request.Method))
                {
                    await context.Response.Body.WriteAsync(answer, token);
                }
            },
            cancellationToken));

        string Add(string architecture)
        {
            var config = Encoding.UTF8.GetBytes(
                $$"""{"architecture":"{{architecture}}","os":"linux","config":{"Env":["ASPNETCORE_HTTP_PORTS=8080","APP_UID=1654"]},"rootfs":{"type":"layers","diff_ids":["{{Digest(plain)}}"]},"history":[]}""");
            var manifest = Encoding.UTF8.GetBytes(
                $$"""
                {"schemaVersion":2,"mediaType":"{{ManifestType}}","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{Digest(config)}}","size":{{config.Length}}},
                "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{{Digest(layer)}}","size":{{layer.Length}}}]}
                """);
            blobs[Digest(config)] = (config, "application/octet-stream");
            blobs[Digest(manifest)] = (manifest, ManifestType);
            return $$$"""{"mediaType":"{{{ManifestType}}}","digest":"{{{Digest(manifest)}}}","size":{{{manifest.Length}}},"platform":{"os":"linux","architecture":"{{{architecture}}}"}}""";
        }
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    private static byte[] Layer(out byte[] plain)
    {
        using var content = new MemoryStream("NAME=base\n"u8.ToArray());
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, leaveOpen: true))
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "etc/os-release") { DataStream = content });
        }

        plain = archive.ToArray();
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(plain);
        }

        return compressed.ToArray();
    }

    private static string Digest(byte[] bytes) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(bytes))}";
}
